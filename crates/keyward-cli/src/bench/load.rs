//! The load: many keep-alive connections driven by one thread, as lean as possible, so that little of what is measured
//! is the measuring.
//!
//! Each connection has one request under way. Without a pace the next one follows the answer (closed loop); with a pace
//! requests are due at fixed times whatever the server does, and latency counts from the due time, so that a stall is
//! seen by everyone who would have waited.
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::time::Timespec;
use rustls_pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

/// What to send next: appends one whole request.
pub trait Requests {
    /// Writes it.
    fn next(&mut self, out: &mut Vec<u8>);
}

/// How to load.
#[derive(Debug, Clone)]
pub struct Load {
    /// Server.
    pub address: SocketAddr,
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// Connections.
    pub connections: usize,
    /// Not counted.
    pub warm_up: Duration,
    /// Counted.
    pub length: Duration,
    /// Requests per second; as fast as answers come if not given.
    pub pace: Option<f64>,
    /// The server's process, to count its processor time.
    pub process: u32,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Answers with 2xx in the counted time.
    pub done: u64,
    /// Other answers, in the whole time.
    pub refused: u64,
    /// The first of them, to be shown.
    pub first_refusal: Option<String>,
    /// The counted time in seconds.
    pub seconds: f64,
    /// Microseconds of each counted answer, sorted.
    pub latencies: Vec<u32>,
    /// Processor seconds of the server in the counted time.
    pub server_cpu: f64,
    /// Processor seconds of the load itself.
    pub own_cpu: f64,
}

impl Loaded {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let done = self.done as f64;
        done / self.seconds.max(1e-9)
    }

    /// Milliseconds that this share of the answers did not exceed.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = ((self.latencies.len() as f64) * share) as usize;
        let last = self.latencies.len().saturating_sub(1);
        let micros = self.latencies.get(place.min(last)).copied();
        f64::from(micros.unwrap_or(0)) / 1000.0
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

struct Connection {
    socket: TcpStream,
    tls: ClientConnection,
    /// The answer so far.
    answer: Vec<u8>,
    /// How long the answer will be, once its head is there.
    whole: Option<usize>,
    since: Option<Instant>,
    wants_write: bool,
}

/// Bytes taken at a time.
const READ: usize = 32 << 10;

impl Connection {
    fn open(load: &Load) -> io::Result<Self> {
        let mut socket = TcpStream::connect(load.address)?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let mut tls =
            ClientConnection::new(Arc::clone(&load.tls), name).map_err(io::Error::other)?;
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            tls,
            answer: Vec::with_capacity(READ),
            whole: None,
            since: None,
            wants_write: false,
        })
    }

    fn send(&mut self, request: &[u8], since: Instant) -> io::Result<()> {
        self.answer.clear();
        self.whole = None;
        self.since = Some(since);
        self.tls.writer().write_all(request)?;
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wants_write = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.wants_write = false;
        Ok(())
    }

    /// Takes what has come; the status once the answer is whole.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<u16>> {
        loop {
            match self.tls.read_tls(&mut self.socket) {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            self.tls.process_new_packets().map_err(io::Error::other)?;
            loop {
                match self.tls.reader().read(buffer) {
                    Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof)),
                    Ok(count) => self
                        .answer
                        .extend_from_slice(buffer.get(..count).unwrap_or_default()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
            if let Some(status) = self.finished() {
                return Ok(Some(status));
            }
        }
    }

    fn finished(&mut self) -> Option<u16> {
        if self.whole.is_none() {
            let head = self
                .answer
                .windows(4)
                .position(|four| four == b"\r\n\r\n")?;
            let length = content_length(self.answer.get(..head)?)?;
            self.whole = Some(head.saturating_add(4).saturating_add(length));
        }
        (self.answer.len() >= self.whole?).then(|| status(&self.answer))
    }
}

fn status(answer: &[u8]) -> u16 {
    answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// 0 for an answer without a body (204).
fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return value.trim().parse().ok();
        }
    }
    Some(0)
}

struct Driver<'r> {
    poll: OwnedFd,
    connections: Vec<Connection>,
    requests: &'r mut dyn Requests,
    request: Vec<u8>,
    /// Connections without a request, in paced mode.
    idle: Vec<usize>,
    /// Due times without a connection.
    due: VecDeque<Instant>,
    counting_from: Instant,
    end: Instant,
    loaded: Loaded,
}

impl Driver<'_> {
    fn start(&mut self, index: usize, since: Instant) -> io::Result<()> {
        self.request.clear();
        self.requests.next(&mut self.request);
        let Some(connection) = self.connections.get_mut(index) else {
            return Ok(());
        };
        connection.send(&self.request, since)?;
        self.watch_writing(index)
    }

    /// Asks to be told when it can be written, only while something waits to be.
    fn watch_writing(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get(index) else {
            return Ok(());
        };
        if connection.wants_write {
            epoll::modify(
                &self.poll,
                &connection.socket,
                epoll::EventData::new_u64(index as u64),
                epoll::EventFlags::IN | epoll::EventFlags::OUT,
            )?;
        }
        Ok(())
    }

    fn count(&mut self, index: usize, status: u16, now: Instant) {
        let Some(connection) = self.connections.get_mut(index) else {
            return;
        };
        let since = connection.since.take().unwrap_or(now);
        if !(200..300).contains(&status) {
            self.loaded.refused += 1;
            if self.loaded.first_refusal.is_none() {
                self.loaded.first_refusal =
                    Some(String::from_utf8_lossy(&connection.answer).into_owned());
            }
        } else if now >= self.counting_from && now <= self.end {
            self.loaded.done += 1;
            let micros = now.saturating_duration_since(since).as_micros();
            self.loaded
                .latencies
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    /// One ready connection.
    fn turn(
        &mut self,
        index: usize,
        flags: epoll::EventFlags,
        paced: bool,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(index) else {
            return Ok(());
        };
        if flags.contains(epoll::EventFlags::OUT) {
            connection.flush()?;
            if !connection.wants_write {
                epoll::modify(
                    &self.poll,
                    &connection.socket,
                    epoll::EventData::new_u64(index as u64),
                    epoll::EventFlags::IN,
                )?;
            }
        }
        let Some(status) = connection.receive(buffer)? else {
            return Ok(());
        };
        let now = now();
        self.count(index, status, now);
        if !paced {
            return self.start(index, now);
        }
        match self.due.pop_front() {
            Some(due) => self.start(index, due),
            None => {
                self.idle.push(index);
                Ok(())
            }
        }
    }
}

/// Processor seconds of a process so far, user and system, all threads.
///
/// # Errors
/// There is no such process.
pub fn processor_seconds(process: u32) -> io::Result<f64> {
    ticks(&format!("/proc/{process}/stat"), [14, 15])
}

/// Processor seconds of this process's children that have ended.
///
/// # Errors
/// There is no `/proc`.
pub fn ended_children_seconds() -> io::Result<f64> {
    ticks("/proc/self/stat", [16, 17])
}

/// Two fields of a `stat` file, counted from 1 as in proc(5), in seconds.
fn ticks(path: &str, fields: [usize; 2]) -> io::Result<f64> {
    let text = std::fs::read_to_string(path)?;
    // The name in brackets may hold anything; what follows it are numbers, the first of them field 3.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |field: usize| {
        let text = rest.split_ascii_whitespace().nth(field.saturating_sub(3));
        text.and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok(fields.into_iter().map(field).sum::<f64>() / per_second)
}

/// Loads a server.
///
/// # Errors
/// A connection fails.
pub fn run(load: &Load, requests: &mut dyn Requests) -> io::Result<Loaded> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut connections = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let connection = Connection::open(load)?;
        epoll::add(
            &poll,
            &connection.socket,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )?;
        connections.push(connection);
    }
    let start = now();
    let counting_from = start + load.warm_up;
    let mut driver = Driver {
        poll,
        connections,
        requests,
        request: Vec::with_capacity(4096),
        idle: Vec::new(),
        due: VecDeque::new(),
        counting_from,
        end: counting_from + load.length,
        loaded: Loaded {
            latencies: Vec::with_capacity(1 << 20),
            ..Loaded::default()
        },
    };
    drive(&mut driver, load, start)?;
    let mut loaded = driver.loaded;
    loaded.latencies.sort_unstable();
    Ok(loaded)
}

fn drive(driver: &mut Driver<'_>, load: &Load, start: Instant) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    let mut events: Vec<epoll::Event> = Vec::with_capacity(256);
    let mut next_due = start;
    let mut counting: Option<(Instant, f64, f64)> = None;
    let gap = load.pace.map(|pace| Duration::from_secs_f64(1.0 / pace));
    match gap {
        None => (0..load.connections).try_for_each(|index| driver.start(index, start))?,
        Some(_) => driver.idle.extend(0..load.connections),
    }
    loop {
        let moment = now();
        let cpu = || -> io::Result<_> {
            Ok((
                processor_seconds(load.process)?,
                processor_seconds(std::process::id())?,
            ))
        };
        if moment >= driver.counting_from && counting.is_none() {
            let (server, own) = cpu()?;
            driver.counting_from = moment;
            driver.end = moment + load.length;
            counting = Some((moment, server, own));
        }
        if let Some((from, server, own)) = counting
            && moment >= driver.end
        {
            let (server_now, own_now) = cpu()?;
            driver.loaded.seconds = driver.end.saturating_duration_since(from).as_secs_f64();
            driver.loaded.server_cpu = server_now - server;
            driver.loaded.own_cpu = own_now - own;
            return Ok(());
        }
        let mut wait = driver.end.saturating_duration_since(moment);
        if let Some(gap) = gap {
            while next_due <= moment {
                match driver.idle.pop() {
                    Some(index) => driver.start(index, next_due)?,
                    None => driver.due.push_back(next_due),
                }
                next_due += gap;
            }
            wait = wait.min(next_due.saturating_duration_since(moment));
        }
        let wait = Timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(1),
            tv_nsec: wait.subsec_nanos().into(),
        };
        events.clear();
        match epoll::wait(
            &driver.poll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&wait),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let flags = event.flags;
            driver.turn(index, flags, gap.is_some(), &mut buffer)?;
        }
    }
}
