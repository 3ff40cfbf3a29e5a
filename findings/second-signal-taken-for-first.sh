#!/bin/sh
# A second Ctrl-C does not always end a program that has signal-hook do so, if the two come together and it has more than one thread.
#
# The crate's documentation of `flag::register_conditional_shutdown` shows how: the shutdown is registered first, on a flag that a second action,
# registered after it, sets. One would think that of two signals one is the second. But signals of two kinds that are pending at once
# are taken by two threads at once: each handler finds the flag not yet set, each sets it, and the program goes on as after one. So the
# person at the terminal has to type a third one. With one thread it does not happen; nor where one thread takes all signals
# (`signal_hook::iterator::Signals`) and looks at the flag as it sets it.
#
# Counts how many of 300 processes are left. Needs cargo. Exits with 1 where this is not so (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "second-signal"
version = "0.0.0"
edition = "2021"

[dependencies]
signal-hook = "=0.3.18"

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{atomic::AtomicBool, Arc},
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Says that it is there, and waits to be ended.
fn target(threads: usize) {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, stop.clone()).unwrap();
        flag::register(signal, stop.clone()).unwrap();
    }
    for _ in 1..threads {
        thread::spawn(|| loop {
            thread::sleep(Duration::from_millis(1));
        });
    }
    println!("there");
    std::io::stdout().flush().unwrap();
    loop {
        thread::sleep(Duration::from_millis(1));
    }
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// How many of so many processes go on after two signals that came together.
fn left(threads: usize, processes: usize) -> usize {
    (0..processes)
        .filter(|_| {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .arg(threads.to_string())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            for signal in ["-STOP", "-INT", "-TERM", "-CONT"] {
                send(signal, &child);
            }
            // One that ends does so at once.
            let ended = (0..100).any(|_| {
                thread::sleep(Duration::from_millis(2));
                child.try_wait().unwrap().is_some()
            });
            child.kill().unwrap_or_default();
            child.wait().unwrap();
            !ended
        })
        .count()
}

fn main() {
    if let Some(threads) = std::env::args().nth(1) {
        target(threads.parse().unwrap());
    }
    let (one, eight) = (left(1, 300), left(8, 300));
    println!("signal-hook 0.3.18, two signals at once, processes left of 300: {one} with one thread, {eight} with eight");
    println!("expected by the documentation: 0 and 0");
    std::process::exit(if one == 0 && eight > 0 { 0 } else { 1 });
}
RUST
cargo run --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"
