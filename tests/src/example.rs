//! The example server as a target, and those who ask it for pages.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    go::{self, Mode},
    workspace,
};

/// Builds the example with the newest toolchain.
///
/// # Panics
/// It does not build.
#[must_use]
pub fn executable() -> PathBuf {
    go::build_in(go::newest(), &workspace().join("example"), ".", Mode::Plain)
}

/// A running server.
pub struct Server {
    child: Child,
    path: PathBuf,
    address: String,
    greeting: String,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Server {
    /// Starts it, with or without somebody who asks for /foo and /bar all the time.
    ///
    /// # Errors
    /// It cannot be started, or does not say where it listens.
    pub fn start(path: &Path, traffic: bool) -> Result<Self> {
        let mut child = crate::spawn(
            Command::new(path)
                .args(["-addr", "127.0.0.1:0"])
                .stdout(Stdio::piped()),
        );
        let stdout = child.stdout.take();
        let mut server = Self {
            child,
            path: path.to_owned(),
            address: String::new(),
            greeting: String::new(),
            stop: Arc::new(AtomicBool::new(false)),
            clients: Vec::new(),
        };
        BufReader::new(stdout.context("it has no output")?).read_line(&mut server.greeting)?;
        server.address = server
            .greeting
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(',').next())
            .with_context(|| format!("the server said {:?}", server.greeting))?
            .to_owned();
        if traffic {
            server.clients = ["/foo", "/bar", "/bar"]
                .map(|page| server.client(page))
                .into();
        }
        Ok(server)
    }

    /// Asks for a page again and again, and returns how often it was answered.
    fn client(&self, page: &'static str) -> JoinHandle<usize> {
        let (stop, address) = (Arc::clone(&self.stop), self.address.clone());
        thread::spawn(move || {
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                answered += usize::from(ask(&address, page).is_ok());
                thread::sleep(Duration::from_millis(20));
            }
            answered
        })
    }

    /// What it said when it began: `listening on 127.0.0.1:41235, pid 4242`.
    #[must_use]
    pub fn greeting(&self) -> &str {
        self.greeting.trim_end()
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends those who ask for pages, and tells how many answers they got.
    ///
    /// # Panics
    /// One of them got none.
    pub fn end_traffic(&mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let answered = |client: JoinHandle<usize>| client.join().unwrap_or(0);
        let answered: Vec<usize> = self.clients.drain(..).map(answered).collect();
        assert!(
            answered.iter().all(|n| *n > 0) || thread::panicking(),
            "the server answers"
        );
        answered.iter().sum()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Its executable.
    ///
    /// # Panics
    /// The path is not UTF-8.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.to_str().expect("a path in UTF-8")
    }

    /// Whether it still runs, and answers.
    ///
    /// # Panics
    /// Waiting fails.
    #[must_use]
    pub fn answers(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none() && ask(&self.address, "/bar").is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_traffic();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, page: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other(answer))
    }
}
