//! Cuts a history that fails down to a short one that still does.
//!
//! Neighbours: `play` says whether one fails. Whole runs of events are left out, in ever smaller pieces, until no single event
//! can go.

use super::history::History;
use super::play::{Played, play};

/// A shorter history that fails, and how.
pub fn shrink(history: &History, failed: Played) -> (History, Played) {
    let mut best = (history.clone(), failed);
    // What was never played cannot matter.
    best.0.events.truncate(best.1.events.max(1).min(history.events.len()));
    let mut piece = (best.0.events.len() / 2).max(1);
    loop {
        let mut at = 0;
        let mut cut = false;
        while at < best.0.events.len() {
            let mut shorter = best.0.clone();
            shorter.events.drain(at..(at + piece).min(best.0.events.len()));
            let played = play(&shorter);
            if played.findings.is_empty() {
                at += piece;
            } else {
                best = (shorter, played);
                cut = true;
            }
        }
        if piece == 1 && !cut {
            return best;
        }
        piece = (piece / 2).max(1);
    }
}
