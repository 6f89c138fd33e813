//! Is a list read to its end, and never more than fits?

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::azure::guard::ClockRef;
use crate::azure::known_body::KnownBodies;
use crate::azure::scope::Access;
use crate::azure::token::Simulated;
use crate::azure::wire::{Wire, WireFault};
use crate::engine::{BootTime, Busy, Clock};
use crate::model::Timestamp;

/// Answers with one page after the other.
#[derive(Debug)]
struct Pages(Mutex<Vec<&'static str>>);

#[async_trait]
impl Wire for Pages {
    async fn send(&self, _: WireRequest) -> Result<WireResponse, WireFault> {
        let body = self.0.lock().unwrap().remove(0);
        Ok(WireResponse { status: 200, headers: Headers::new(), body: body.into() })
    }
}

struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
    fn boot(&self) -> BootTime {
        BootTime { boot: String::new(), nanos: 0 }
    }
    fn enter(&self) -> Busy {
        Busy::idle()
    }
    async fn sleep_until(&self, _: Timestamp) {}
}

fn client(pages: Vec<&'static str>) -> Client {
    Client::new(Arc::new(RequestGuard {
        endpoint: url::Url::parse("https://management.azure.com").unwrap(),
        wire: Arc::new(Pages(Mutex::new(pages))),
        token: Arc::new(Simulated),
        clock: ClockRef(Arc::new(Still)),
        access: Access::ReadOnly,
        bodies: KnownBodies::default(),
        tenants: Arc::default(),
    }))
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page_and_never_from_another_host() {
    let context = CallContext { run: None, not_after: None, waited: None };
    let list = client(vec![
        r#"{"value":[1],"nextLink":"https://management.azure.com/x?page=2"}"#,
        r#"{"value":[2,3],"nextLink":"https://management.azure.com/x?page=3"}"#,
        r#"{"value":[4]}"#,
    ]);
    assert_eq!(list.get_list("/x", &context).await.unwrap(), [1, 2, 3, 4]);
    let strange = client(vec![r#"{"value":[1],"nextLink":"https://evil.example/x"}"#]);
    let refused = strange.get_list("/x", &context).await.unwrap_err();
    assert_eq!(refused.code, "guard");
    // The second page would be the last that is given: a third call would panic here.
    let circle = client(vec![
        r#"{"value":[1],"nextLink":"https://management.azure.com/x?page=2"}"#,
        r#"{"value":[2],"nextLink":"https://management.azure.com/x?page=2"}"#,
    ]);
    let error = circle.get_list("/x", &context).await.unwrap_err();
    assert_eq!(error.code, "list_in_a_circle");
    let lost = client(vec![
        r#"{"value":[1],"nextLink":"https://management.azure.com/x?page=2"}"#,
        r#"{"error":"none"}"#,
    ]);
    let error = lost.get_list("/x", &context).await.unwrap_err();
    assert_eq!(error.code, "list_breaks_off", "half a list is no list");
}

#[tokio::test]
async fn an_answer_that_would_grow_in_memory_is_not_taken_in() {
    let context = CallContext { run: None, not_after: None, waited: None };
    let many = format!("{{\"value\":[{}{{}}]}}", "{},".repeat(2_300_000));
    let error = client(vec![many.leak()]).get_list("/x", &context).await.unwrap_err();
    assert_eq!(error.code, "body_too_large");
    assert!(error.message.contains("more than 150000 values"), "{error:?}");
}
