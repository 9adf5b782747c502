//! Texts within texts, by rolling hashes (Karp and Rabin 1987) of windows of a fixed number of characters.

use std::collections::HashMap;

/// Texts in which, and of which, parts are looked up. All are at least a window long.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    /// Characters of a window, at least 1.
    size: usize,
    texts: Vec<(u32, Box<str>)>,
    /// The texts that begin with a window.
    first: HashMap<u64, Vec<u32>>,
    /// Where a window is: text and byte.
    every: HashMap<u64, Vec<(u32, u32)>>,
}

impl Windows {
    pub(super) fn new(size: usize) -> Windows {
        Windows { size, texts: Vec::new(), first: HashMap::new(), every: HashMap::new() }
    }

    /// Adds a text under a number, unless it is shorter than a window.
    pub(super) fn insert(&mut self, number: u32, text: &str) {
        let at = self.texts.len() as u32;
        let mut whole = false;
        for (offset, hash) in rolling(text, self.size) {
            if offset == 0 {
                self.first.entry(hash).or_default().push(at);
                whole = true;
            }
            self.every.entry(hash).or_default().push((at, offset as u32));
        }
        if whole {
            self.texts.push((number, text.into()));
        }
    }

    /// Numbers of the texts that `text` contains, at least as long as a window, ascending.
    pub(super) fn contained_in(&self, text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        for (offset, hash) in rolling(text, self.size) {
            for at in self.first.get(&hash).into_iter().flatten() {
                let (number, inner) = &self.texts[*at as usize];
                if text[offset..].starts_with(&**inner) {
                    found.push(*number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Numbers of the texts that contain `text`, which is at least as long as a window, ascending.
    pub(super) fn containing(&self, text: &str) -> Vec<u32> {
        let Some((_, hash)) = rolling(text, self.size).next() else { return Vec::new() };
        let places = self.every.get(&hash).into_iter().flatten();
        let holds = |(at, offset): &(u32, u32)| {
            let (number, outer) = &self.texts[*at as usize];
            outer[*offset as usize..].starts_with(text).then_some(*number)
        };
        let mut found: Vec<u32> = places.filter_map(holds).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Byte offset and hash of every window of `size` characters.
fn rolling(text: &str, size: usize) -> impl Iterator<Item = (usize, u64)> {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    let leading = (1..size).fold(1u64, |power, _| power.wrapping_mul(BASE));
    let mut leaving = text.char_indices();
    let mut hash = 0u64;
    text.chars().enumerate().filter_map(move |(at, entering)| {
        hash = hash.wrapping_mul(BASE).wrapping_add(u64::from(entering));
        if at + 1 < size {
            return None;
        }
        let (offset, first) = leaving.next()?;
        let window = hash;
        hash = hash.wrapping_sub(leading.wrapping_mul(u64::from(first)));
        Some((offset, window))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_that_contain_and_all_that_are_contained(
            texts in proptest::collection::vec("[ab한]{0,9}", 1..20), text in "[ab한]{0,12}", size in 1usize..4
        ) {
            let mut windows = Windows::new(size);
            texts.iter().enumerate().for_each(|(number, text)| windows.insert(number as u32, text));
            let long = |text: &String| text.chars().count() >= size;
            let those = |wanted: &dyn Fn(&String) -> bool| -> Vec<u32> {
                let all = texts.iter().enumerate().filter(|(_, t)| long(t) && wanted(t));
                all.map(|(number, _)| number as u32).collect()
            };
            prop_assert_eq!(windows.contained_in(&text), those(&|inner| text.contains(inner)));
            if long(&text) {
                prop_assert_eq!(windows.containing(&text), those(&|outer| outer.contains(&text)));
            }
        }
    }
}
