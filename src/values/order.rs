//! Sorting by one sort.

use std::cmp::Ordering;

/// Sorts by a key; what has the same key keeps its order. The machine code of a sort is large and
/// is made anew for each type, so all lists are sorted by their places.
pub fn sort_by_key<T, K: Ord>(list: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(list, |one, other| key(one).cmp(&key(other)));
}

/// The same, with an order of its own.
pub fn sort_by<T>(list: &mut Vec<T>, order: impl Fn(&T, &T) -> Ordering) {
    let places = sorted(list.len(), &|one, other| order(&list[one], &list[other]));
    let mut left: Vec<Option<T>> = list.drain(..).map(Some).collect();
    list.extend(places.into_iter().filter_map(|place| left[place].take()));
}

fn sorted(length: usize, order: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..length).collect();
    places.sort_by(|one, other| order(*one, *other));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_keep_their_order() {
        let mut list = vec!["bb", "a", "cc", "d", "", "aa"];
        sort_by_key(&mut list, |word| word.len());
        assert_eq!(list, ["", "a", "d", "bb", "cc", "aa"]);
        sort_by(&mut list, |one, other| other.cmp(one));
        assert_eq!(list, ["d", "cc", "bb", "aa", "a", ""]);
        let mut none: Vec<u8> = Vec::new();
        sort_by_key(&mut none, |one| *one);
        assert!(none.is_empty());
    }
}
