//! The known word nearest to a word somebody wrote, for suggestions.
//!
//! Neighbours: used by `parse` for fields and by `validate` for names. Not here: any list of words.

/// The known word nearest to `word`, if it is near enough to be what was meant: at most one edit for every three
/// characters, ignoring case. Ties go to the first in order.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let limit = word.chars().count().div_ceil(3).max(1);
    let scored = known.into_iter().map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate));
    scored.filter(|(score, _)| *score <= limit).min_by_key(|(score, _)| *score).map(|(_, candidate)| candidate)
}

/// ` Did you mean `x`?`, or nothing.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("Did you mean `{near}`?"))
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (i, a) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, b) in to.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let change = at(&row, j) + usize::from(a != *b);
            let mut best = change.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let left = j.checked_sub(1).and_then(|k| to.get(k));
            if last == Some(*b) && left == Some(&a) {
                best = best.min(at(&before, j.saturating_sub(1)) + 1);
            }
            next.push(best);
        }
        last = Some(a);
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_neighbours_is_one_edit() {
        assert_eq!(distance("ml-pord", "ml-prod"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn words_far_away_are_not_suggested() {
        assert_eq!(nearest("replica", ["replicas", "pool"]), Some("replicas"));
        assert_eq!(nearest("gpu", ["inferentia", "trainium"]), None);
    }
}
