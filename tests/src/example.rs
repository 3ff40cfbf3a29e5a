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
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Server {
    /// Starts it, with or without somebody who asks for /foo and /bar all the time.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(path: &Path, traffic: bool) -> Self {
        let mut child = crate::spawn(
            Command::new(path)
                .args(["-addr", "127.0.0.1:0"])
                .stdout(Stdio::piped()),
        );
        let mut greeting = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut greeting)
            .expect("a greeting");
        let address = greeting
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_else(|| panic!("{greeting:?}"))
            .to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let pages: &[&str] = if traffic {
            &["/foo", "/bar", "/bar"]
        } else {
            &[]
        };
        let clients = pages
            .iter()
            .map(|page| {
                let (page, stop, address) = (*page, Arc::clone(&stop), address.clone());
                thread::spawn(move || {
                    let mut answered = 0;
                    while !stop.load(Ordering::Relaxed) {
                        answered += usize::from(ask(&address, page).is_ok());
                        thread::sleep(Duration::from_millis(20));
                    }
                    answered
                })
            })
            .collect();
        Self {
            child,
            path: path.to_owned(),
            address,
            stop,
            clients,
        }
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
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            let answered = client.join().unwrap_or(0);
            assert!(answered > 0 || thread::panicking(), "the server answers");
        }
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
