//! A thousand devices, a GOAWAY, a connection that breaks: nobody is lost, the dead are told from the living.

#[allow(dead_code)]
#[path = "../apns_http2/main.rs"]
mod apns_http2;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_lost() {
    apns_http2::run().await.unwrap();
}
