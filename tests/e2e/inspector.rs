//! Looking where links lead: from the node, to servers that really answer, and on to who holds the pin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pinwire_tests::{Profile, World, eventually, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A server that redirects to `location`, if there is one, once it may; what it was asked is counted.
struct Site {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn start(location: Option<String>, may_answer: watch::Receiver<bool>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (location, may_answer) = (location.clone(), may_answer.clone());
                tokio::spawn(answer(stream, location, may_answer));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(mut stream: TcpStream, location: Option<String>, mut may: watch::Receiver<bool>) {
    let mut head = [0; 2_048];
    // Who asks writes all of it at once.
    let _ = stream.read(&mut head).await;
    let _ = may.wait_for(|may| *may).await;
    let answer = match location {
        Some(location) => format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\n"),
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
    };
    let rest = "content-length: 0\r\nconnection: close\r\n\r\n";
    let _ = stream.write_all(format!("{answer}{rest}").as_bytes()).await;
}

async fn a_link_that_leads_elsewhere_is_told_to_who_holds_it(profile: Profile) {
    let settings = [
        ("PINWIRE_NO_LINK_CHECKS", "false"),
        ("PINWIRE_LINK_NETWORKS", "127.0.0.0/8,::1/128"),
    ];
    let world = World::start_with(profile, &settings).await;
    let (open, may_answer) = watch::channel(false);
    let end = Site::start(None, may_answer.clone()).await;
    let location = format!("http://127.0.0.1:{}/end", end.address.port());
    let site = Site::start(Some(location.clone()), may_answer).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded() {
    a_link_that_leads_elsewhere_is_told_to_who_holds_it(Profile::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scaled() {
    a_link_that_leads_elsewhere_is_told_to_who_holds_it(Profile::Scaled).await;
}
