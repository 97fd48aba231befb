//! Contact requests in answers.

use pinwire_domain::contact_request;
use pinwire_storage::requests::Request;
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use super::kinds::ConversationKind;

/// A conversation that you are asked into.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ContactRequest)]
pub struct RequestView {
    /// The conversation, which is also what the request is named by.
    #[schema(pattern = r"^\d+$", example = "3763541867536384")]
    pub conversation_id: String,
    /// Of two people or of several.
    pub kind: ConversationKind,
    /// A group's title, without links: `[…]` stands for each; null without one.
    #[schema(required)]
    pub title: Option<String>,
    /// Those who take part.
    pub people: Vec<PersonView>,
    /// The picture of the pin that was sent to you, in a conversation of two; null in a group.
    #[schema(required, format = "uri", example = "https://img.example/cat.jpg")]
    pub pin_image: Option<String>,
    /// What was written with it, 140 characters at most, without links: `[…]` stands for each.
    #[schema(required, max_length = 140, example = "For the hall?")]
    pub text: Option<String>,
    /// When you were asked.
    #[schema(format = DateTime)]
    pub asked_at: String,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        let conversation = request.conversation;
        let members = conversation.members.iter();
        let message = request.message.as_ref();
        let pin = message.and_then(|it| it.pin.as_ref());
        let text = message.and_then(|it| it.text.as_deref());
        Self {
            conversation_id: conversation.id.to_string(),
            kind: conversation.kind.into(),
            title: conversation.title.as_deref().map(contact_request::shown),
            people: members.map(|m| PersonView::from(&*m.person)).collect(),
            pin_image: pin.map(|pin| pin.snapshot.image_url.clone()),
            text: text.map(contact_request::shown),
            asked_at: request.asked_at.to_string(),
        }
    }
}
