//! One WebSocket: it says what happens, and ends when it is dropped.

use futures_util::{SinkExt as _, StreamExt as _};
use reveille::conversation::reconnect::Link;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The platform's messages have a few kilobytes; what is longer ends the connection, not the program.
const LONGEST: usize = 1 << 20;

#[derive(Debug)]
pub enum Happened {
    Opened,
    Frame(String),
    Lost,
}

pub struct Connection {
    words: mpsc::UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Connection {
    /// Connects in a task of its own; how long that may take is decided by who closes it.
    pub fn open(link: Link, url: String, happened: mpsc::Sender<(Link, Happened)>) -> Self {
        let (words, listens) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            // Why it ended does not matter: what follows is the same.
            let _ = serve(link, &url, &happened, listens).await;
            let _ = happened.send((link, Happened::Lost)).await;
        });
        Self { words, task }
    }

    pub fn say(&self, text: String) {
        let _ = self.words.send(text);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    link: Link,
    url: &str,
    happened: &mpsc::Sender<(Link, Happened)>,
    mut words: mpsc::UnboundedReceiver<String>,
) -> Result<(), Error> {
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let (mut socket, _) = connect_async_with_config(url, Some(config), true).await?;
    let gone = |_| Error::ConnectionClosed;
    happened.send((link, Happened::Opened)).await.map_err(gone)?;
    loop {
        tokio::select! {
            message = socket.next() => match message.transpose()? {
                Some(Message::Text(text)) => {
                    // Waits while the loop is busy: then the socket is not read, and the server has to wait, too.
                    happened.send((link, Happened::Frame(text.to_string()))).await.map_err(gone)?;
                }
                Some(Message::Close(_)) | None => return Ok(()),
                Some(_) => {}
            },
            word = words.recv() => match word {
                Some(word) => socket.send(Message::text(word)).await?,
                None => return Ok(()),
            },
        }
    }
}
