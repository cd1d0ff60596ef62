//! A user agent without a browser: it speaks the browser's protocol, subscribes, and opens what it gets.

use std::error::Error;

use futures_util::{SinkExt as _, StreamExt as _};
use reveille_crypto::{P256PublicKey, base64url};
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_webpush::target::AllowLoopback;
use reveille_webpush::{Endpoint, Subscription, UserAgent, UserAgentKeys};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// One subscription at a local push service.
pub struct Receiver {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    user_agent: UserAgent,
    subscription: Subscription,
}

impl Receiver {
    /// Connects, says hello and subscribes with the application server's key.
    pub async fn subscribe(
        url: &str,
        application_server_key: &P256PublicKey,
    ) -> Result<Self, Box<dyn Error>> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "push-notification".parse()?);
        let (mut socket, _) = connect_async(request).await?;
        send(&mut socket, json!({"messageType": "hello", "use_webpush": true, "broadcasts": {}})).await?;
        next(&mut socket).await?;
        let channel = "6f1b8f1a-0000-4000-8000-000000000001";
        let key = application_server_key.to_string();
        send(&mut socket, json!({"messageType": "register", "channelID": channel, "key": key})).await?;
        let registered = next(&mut socket).await?;
        let endpoint = registered["pushEndpoint"].as_str().ok_or("the push service gave no endpoint")?;
        let user_agent = UserAgent::new(&UserAgentKeys::generate(PROVIDER)?, PROVIDER)?;
        let subscription = user_agent.subscription(Endpoint::new(endpoint, &AllowLoopback)?);
        Ok(Self { socket, user_agent, subscription })
    }

    /// What a page would hand to the application server: `JSON.stringify(subscription)`.
    pub fn browser_json(&self) -> Value {
        json!({
            "endpoint": self.subscription.endpoint().as_str(),
            "expirationTime": null,
            "keys": {
                "p256dh": self.subscription.ua_public(),
                "auth": base64url::encode(self.subscription.expose_auth_secret()),
            },
        })
    }

    /// The same, read.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Waits for the next push and opens it; `None` for a push without payload.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        let frame = next(&mut self.socket).await?;
        let (channel, version) = (&frame["channelID"], &frame["version"]);
        let update = json!({"channelID": channel, "version": version, "code": 100});
        send(&mut self.socket, json!({"messageType": "ack", "updates": [update]})).await?;
        match frame["data"].as_str() {
            Some(data) => Ok(Some(self.user_agent.open(&base64url::decode_lenient(data)?)?)),
            None => Ok(None),
        }
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn send(socket: &mut Socket, frame: Value) -> Result<(), Box<dyn Error>> {
    Ok(socket.send(Message::text(frame.to_string())).await?)
}

/// The next text frame.
async fn next(socket: &mut Socket) -> Result<Value, Box<dyn Error>> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            return Ok(serde_json::from_str(&text)?);
        }
    }
    Err("the push service closed the connection".into())
}
