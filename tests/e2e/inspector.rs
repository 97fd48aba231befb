//! Looking where links lead, and at pictures: from the node, to servers that really answer, and on to who holds the pin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pinwire_tests::{Profile, World, eventually, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A picture of 50 times 40 pixels, all #c86432.
const SMALL: &[u8] = include_bytes!("inspector/small.png");

/// What a server answers.
#[derive(Clone)]
enum Answer {
    Redirect(String),
    Nothing,
    Picture,
}

/// A server that answers once it may; how often it was asked is counted.
struct Site {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn start(what: Answer, may_answer: watch::Receiver<bool>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(stream, what.clone(), may_answer.clone()));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(mut stream: TcpStream, what: Answer, mut may: watch::Receiver<bool>) {
    let mut head = [0; 2_048];
    // Who asks writes all of it at once.
    let _ = stream.read(&mut head).await;
    let _ = may.wait_for(|may| *may).await;
    let (head, body) = match what {
        Answer::Redirect(to) => (format!("HTTP/1.1 302 Found\r\nlocation: {to}"), &[][..]),
        Answer::Nothing => ("HTTP/1.1 200 OK".to_owned(), &[][..]),
        Answer::Picture => ("HTTP/1.1 200 OK".to_owned(), SMALL),
    };
    let rest = format!("content-length: {}\r\nconnection: close", body.len());
    let head = format!("{head}\r\n{rest}\r\n\r\n");
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
}

/// Links and pictures are looked at, also on this machine.
const LOOKING: [(&str, &str); 2] = [
    ("PINWIRE_NO_LINK_CHECKS", "false"),
    ("PINWIRE_LINK_NETWORKS", "127.0.0.0/8,::1/128"),
];

async fn a_link_that_leads_elsewhere_is_told_to_who_holds_it(profile: Profile) {
    let world = World::start_with(profile, &LOOKING).await;
    let (open, may_answer) = watch::channel(false);
    let end = Site::start(Answer::Nothing, may_answer.clone()).await;
    let location = format!("http://127.0.0.1:{}/end", end.address.port());
    let site = Site::start(Answer::Redirect(location.clone()), may_answer).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut phone = bob.on(world.other_node()).connects().await;
    let link = format!("http://localhost:{}/hall", site.address.port());
    let pin = ana.pins_to(&link).await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    // By its address alone.
    let heard = phone.next_is("message.created").await;
    let check = &heard["data"]["message"]["pin"]["link_check"];
    assert_eq!(check["reasons"], json!(["unusual_port"]));
    eventually("somebody to look", async || {
        (site.asked() > 0).then_some(())
    })
    .await;
    open.send(true).unwrap();
    let heard = phone.next_is("pin.state_changed").await;
    let check = &heard["me"]["pin_states"][0]["link_check"];
    let reasons = json!(["other_domain", "numeric_host", "unusual_port"]);
    assert_eq!(
        (&check["verdict"], &check["reasons"]),
        (&json!("warn"), &reasons)
    );
    let read = bob.looks_at(&id, 1).await.is(200);
    assert_eq!(&read["pin"]["link_check"], check);
    assert!(end.asked() > 0);
    // Somebody looked just now: who clicks is told what was found.
    let (before, path) = (
        site.asked(),
        check["click_through"].as_str().expect("a path"),
    );
    let warning = world.api().get(path).await.is(200);
    assert_eq!(
        warning,
        json!({"verdict": "warn", "reasons": reasons, "link": link, "redirects": [location]})
    );
    assert_eq!(site.asked(), before);
    // What is sent once more is no news.
    let again = ana.sends(&pin).to(&bob).await;
    assert_eq!(again.conversation, id);
    let heard = phone.next_is("message.created").await;
    assert_eq!(&heard["data"]["message"]["pin"]["link_check"], check);
}

async fn a_small_picture_is_told_to_who_holds_it(profile: Profile) {
    let world = World::start_with(profile, &LOOKING).await;
    let (open, may_answer) = watch::channel(false);
    let end = Site::start(Answer::Nothing, watch::channel(true).1).await;
    let pictures = Site::start(Answer::Picture, may_answer.clone()).await;
    // Also a picture's address may redirect.
    let to = format!("http://127.0.0.1:{}/1.png", pictures.address.port());
    let site = Site::start(Answer::Redirect(to), may_answer).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut phone = bob.on(world.other_node()).connects().await;
    let pin = ana
        .pins_from(&site.address.to_string(), &end.address.to_string())
        .await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let heard = phone.next_is("message.created").await;
    let sent = &heard["data"]["message"]["pin"];
    assert_eq!(sent["image_width"], json!(null));
    open.send(true).unwrap();
    let heard = phone.next_is("pin.state_changed").await;
    let told = &heard["me"]["pin_states"][0];
    let read = bob.looks_at(&id, 1).await.is(200);
    for shown in [told, &read["pin"]] {
        assert_eq!(shown["image_width"], json!(50));
        assert_eq!(shown["image_height"], json!(40));
        assert_eq!(shown["dominant_color"], json!("#c86432"));
        let reasons = json!(["numeric_host", "unusual_port", "small_picture"]);
        assert_eq!(shown["link_check"]["reasons"], reasons);
    }
    let path = told["link_check"]["click_through"]
        .as_str()
        .expect("a path");
    let warning = world.api().get(path).await.is(200);
    assert_eq!(warning["reasons"], told["link_check"]["reasons"]);
    let pin = ana.looks_at_pin(&pin).await.is(200);
    assert_eq!(pin["dominant_color"], json!("#c86432"));
    let image = &pin["media"]["images"]["600x"];
    assert_eq!(
        (&image["width"], &image["height"]),
        (&json!(50), &json!(40))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded() {
    a_link_that_leads_elsewhere_is_told_to_who_holds_it(Profile::Embedded).await;
    a_small_picture_is_told_to_who_holds_it(Profile::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaled() {
    a_link_that_leads_elsewhere_is_told_to_who_holds_it(Profile::Scaled).await;
    a_small_picture_is_told_to_who_holds_it(Profile::Scaled).await;
}
