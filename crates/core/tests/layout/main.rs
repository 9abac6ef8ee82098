//! Layouts of device sets: what holds over histories, how near the optimum they are, and how large a pool may be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where its premise fails")]

mod histories;
mod large;
mod optimum;
mod pool;
