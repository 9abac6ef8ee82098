//! Neuron devices as letters: one for each device of an instance, in the order of their ids.
//!
//! Neighbours: `groups` draws the instances of a pool with it, `layouts` what a plan changes on them. Not here: tables.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};

use crate::output::paint::{FAINT, paint};

/// What stands for a device that nobody holds.
const FREE: char = '·';
/// What stands for a service when all letters are taken.
const UNNAMED: char = '?';
/// A gap after so many devices, so that ids can be counted: the chips of Trn are wired in rows of four.
const ROW: usize = 4;
/// Colours of services in turn; red and yellow mean something else.
const COLORS: [AnsiColor; 4] = [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::Green];

/// A letter for each service.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Letters(BTreeMap<String, (char, Style)>);

impl Letters {
    /// Gives each name the first of its own letters that is free, or else any that is.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut letters = Self::default();
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        for (name, color) in names.into_iter().zip(COLORS.iter().cycle()) {
            let letter = letters.free_for(name);
            letters.0.insert(name.to_owned(), (letter, color.on_default()));
        }
        letters
    }

    fn free_for(&self, name: &str) -> char {
        let own = name.chars().filter(char::is_ascii_lowercase);
        let others = ('a'..='z').chain('A'..='Z').chain('0'..='9');
        let taken = |letter: &char| self.0.values().any(|(other, _)| other == letter);
        own.chain(others).find(|letter| !taken(letter)).unwrap_or(UNNAMED)
    }

    fn cell(&self, holder: Option<&str>) -> (char, Style) {
        holder.map_or((FREE, FAINT), |name| self.0.get(name).copied().unwrap_or((UNNAMED, Style::new())))
    }

    /// The devices of one instance, lowest id first: `[llll llbb ····]`. [`width`] columns wide.
    pub(crate) fn draw(&self, devices: &[Option<&str>]) -> String {
        let rows = devices.chunks(ROW).map(|row| {
            let cells: Vec<(char, Style)> = row.iter().map(|holder| self.cell(*holder)).collect();
            let alike = cells.chunk_by(|one, next| one == next);
            alike
                .filter_map(|run| {
                    run.first().map(|(_, style)| paint(*style, run.iter().map(|(c, _)| *c).collect::<String>()))
                })
                .collect::<String>()
        });
        format!("[{}]", rows.collect::<Vec<_>>().join(" "))
    }

    /// Who the letters are: `b bert  l llama  · free`.
    pub(crate) fn legend(&self) -> String {
        let names = self.0.iter().map(|(name, (letter, style))| format!("{} {name}", paint(*style, letter)));
        let free = format!("{} free", paint(FAINT, FREE));
        names.chain([free]).collect::<Vec<_>>().join("  ")
    }
}

/// Columns of the drawing of so many devices.
pub(crate) const fn width(devices: usize) -> usize {
    2 + devices + devices.saturating_sub(1) / ROW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn every_size_of_instance_is_drawn_in_rows_of_four() {
        let letters = Letters::of(["llama", "bert"]);
        let drawn = [1, 4, 6, 12, 16].map(|chips| {
            let devices: Vec<Option<&str>> =
                (0..chips).map(|id| if id < 5 { Some("llama") } else { (id < 7).then_some("bert") }).collect();
            let drawn = plain(&letters.draw(&devices));
            assert_eq!(drawn.chars().count(), width(chips), "{drawn}");
            drawn
        });
        assert_eq!(drawn, ["[l]", "[llll]", "[llll lb]", "[llll lbb· ····]", "[llll lbb· ···· ····]"]);
    }

    #[test]
    fn services_that_begin_alike_have_letters_of_their_own() {
        let letters = Letters::of(["bert", "bart", "b", "bart"]);
        assert_eq!(plain(&letters.legend()), "b b  a bart  e bert  · free");
    }

    #[test]
    fn more_services_than_letters_share_a_question_mark() {
        let names: Vec<String> = (0..63).map(|number| format!("s{number:02}")).collect();
        let letters = Letters::of(names.iter().map(String::as_str));
        let drawn = plain(&letters.draw(&[Some("s00"), Some("s62"), Some("unknown"), None]));
        assert_eq!(drawn, "[s??·]");
    }

    #[test]
    fn a_colour_begins_and_ends_with_its_service() {
        let letters = Letters::of(["llama"]);
        let cyan = AnsiColor::Cyan.on_default();
        assert_eq!(letters.draw(&[Some("llama"), Some("llama")]), format!("[{cyan}ll{cyan:#}]"));
    }
}
