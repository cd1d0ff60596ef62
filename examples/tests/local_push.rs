//! The local push service against pages.

use reveille_examples::local_push::LocalPush;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// A WebSocket is not held back by the same-origin policy: the server must look where it comes from.
#[tokio::test]
async fn a_page_cannot_speak_for_the_browser_to_the_local_push_service() {
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    for (origin, welcome) in [
        (None, true),
        (Some(push.browser_url()), true), // As Firefox does.
        (Some("https://evil.example".to_owned()), false),
        (Some("HTTP://evil.example".to_owned()), false),
        (Some("null".to_owned()), false),
    ] {
        let mut request = push.browser_url().into_client_request().unwrap();
        if let Some(origin) = &origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let connected = tokio_tungstenite::connect_async(request).await;
        assert_eq!(connected.is_ok(), welcome, "{origin:?}");
    }
}
