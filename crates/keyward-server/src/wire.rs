//! A TLS connection as HTTP reads and writes it, with what rustls leaves to its caller: alerts go out at once, and a
//! connection is closed so that the peer can still read why.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// So long, and so many bytes, a connection that ends from our side is read on before it is closed. Closing while bytes
/// wait unread makes the kernel reset the connection, and a reset throws away what the peer has not read yet: an alert, or
/// the refusal of a request whose body nobody read.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 16 << 20;

/// The connection.
pub(crate) struct Wire {
    /// Gone only while it is dropped.
    tls: Option<TlsStream<TcpStream>>,
    /// The peer said that nothing more comes.
    ended: bool,
}

impl Wire {
    pub(crate) fn new(tls: TlsStream<TcpStream>) -> Self {
        Self {
            tls: Some(tls),
            ended: false,
        }
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(Pin<&mut TlsStream<TcpStream>>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.tls {
            Some(tls) => act(Pin::new(tls)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = this.with(|tls| tls.poll_read(cx, buffer));
        match &read {
            Poll::Ready(Err(_)) => return read,
            Poll::Ready(Ok(())) if buffer.filled().len() == before => this.ended = true,
            _ => {}
        }
        // Reading may have made something to send: the refusal of a renegotiation, the answer to a key update.
        let waiting = this
            .tls
            .as_ref()
            .is_some_and(|tls| tls.get_ref().1.wants_write());
        if waiting && let Poll::Ready(Err(error)) = this.with(|tls| tls.poll_flush(cx)) {
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().with(|tls| tls.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .with(|tls| tls.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|tls| tls.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|tls| tls.poll_shutdown(cx))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let (false, Some(tls), Ok(runtime)) = (
            self.ended,
            self.tls.take(),
            tokio::runtime::Handle::try_current(),
        ) {
            runtime.spawn(linger(tls.into_inner().0));
        }
    }
}

/// Says that nothing more comes, and reads away what the peer still sends, within bounds.
pub(crate) async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let mut rest = stream.take(LINGER_BYTES);
    let _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}
