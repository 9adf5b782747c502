//! Things that share a text, directly or through others, are of one class.

use std::collections::HashMap;

/// A text and its language.
pub(super) type Keyed<'a> = (&'a str, &'a str);

/// A partition of `0..len`.
#[derive(Debug)]
pub(super) struct Classes {
    parent: Vec<u32>,
}

impl Classes {
    /// Each thing in a class of its own.
    pub(super) fn new(len: usize) -> Self {
        Classes { parent: (0..len as u32).collect() }
    }

    /// Things with equal texts are in one class. Also returned: the first thing with each text.
    pub(super) fn of_texts<'a, T: Iterator<Item = Keyed<'a>>>(
        things: impl ExactSizeIterator<Item = T>,
    ) -> (Self, HashMap<Keyed<'a>, u32>) {
        let mut classes = Classes::new(things.len());
        let mut first = HashMap::with_capacity(things.len());
        for (thing, texts) in (0..).zip(things) {
            for text in texts {
                let with_text = *first.entry(text).or_insert(thing);
                classes.join(with_text, thing);
            }
        }
        (classes, first)
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        // The smallest stands for its class.
        self.parent[a.max(b) as usize] = a.min(b);
    }

    fn find(&mut self, mut thing: u32) -> u32 {
        while self.parent[thing as usize] != thing {
            let above = self.parent[self.parent[thing as usize] as usize];
            self.parent[thing as usize] = above;
            thing = above;
        }
        thing
    }

    /// Each thing's class: the number of its smallest member.
    pub(super) fn into_representatives(mut self) -> Vec<u32> {
        (0..self.parent.len() as u32).map(|thing| self.find(thing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_close_over_every_language() {
        let things = [
            vec![("en", "a"), ("ko", "x")],
            vec![("en", "b"), ("ko", "y")],
            vec![("en", "c"), ("ko", "z")],
            vec![("en", "c"), ("ko", "x")],
            vec![("en", "y"), ("ko", "b")],
        ];
        let (classes, first) = Classes::of_texts(things.iter().map(|texts| texts.iter().copied()));
        assert_eq!(classes.into_representatives(), [0, 1, 0, 0, 4]);
        assert_eq!((first[&("ko", "x")], first[&("en", "c")], first[&("en", "y")]), (0, 2, 4));
    }
}
