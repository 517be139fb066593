//! Who comes into the next commit when more waits than goes in: every realm in turn, so that a flood of one does not hold up
//! the others behind it.
use std::collections::{BTreeMap, VecDeque};

use keyward_core::ids::RealmId;

/// Takes up to `most`, in order of arrival while all fit, else one of each realm in turn; the rest keeps its order.
pub(super) fn take<T>(
    queue: &mut VecDeque<T>,
    most: usize,
    realm: impl Fn(&T) -> RealmId,
) -> Vec<T> {
    if queue.len() <= most {
        return queue.drain(..).collect();
    }
    let mut shares: BTreeMap<RealmId, usize> = BTreeMap::new();
    for waiting in queue.iter() {
        *shares.entry(realm(waiting)).or_default() += 1;
    }
    let mut open = most;
    let mut taken: BTreeMap<RealmId, usize> = BTreeMap::new();
    // Equal shares, and what small realms leave of theirs is shared among the others.
    while open > 0 && !shares.is_empty() {
        let each = open.div_ceil(shares.len()).max(1);
        shares.retain(|realm, waiting| {
            let part = each.min(*waiting).min(open);
            *taken.entry(*realm).or_default() += part;
            open -= part;
            *waiting -= part;
            *waiting > 0
        });
    }
    let mut chosen = Vec::with_capacity(most);
    let mut rest = VecDeque::with_capacity(queue.len().saturating_sub(most));
    for waiting in queue.drain(..) {
        match taken.get_mut(&realm(&waiting)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                chosen.push(waiting);
            }
            _ => rest.push_back(waiting),
        }
    }
    *queue = rest;
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(number: u8) -> RealmId {
        RealmId([number; 16])
    }

    fn taken(queue: &[u8], most: usize) -> (Vec<u8>, Vec<u8>) {
        let mut queue: VecDeque<u8> = queue.iter().copied().collect();
        let chosen = take(&mut queue, most, |one| realm(*one));
        (chosen, queue.into_iter().collect())
    }

    #[test]
    fn what_fits_goes_in_the_order_it_came() {
        assert_eq!(taken(&[3, 1, 2, 1], 4), (vec![3, 1, 2, 1], vec![]));
    }

    #[test]
    fn a_quiet_realm_behind_a_flood_comes_into_the_next_commit() {
        let mut queue = vec![1; 100];
        queue.extend([2, 3, 3]);
        let (chosen, rest) = taken(&queue, 10);
        assert_eq!(chosen.iter().filter(|one| **one == 2).count(), 1);
        assert_eq!(chosen.iter().filter(|one| **one == 3).count(), 2);
        assert_eq!((chosen.len(), rest.len()), (10, 93));
    }

    #[test]
    fn many_realms_share_equally_and_nothing_is_lost() {
        let queue: Vec<u8> = (0..200).map(|number| number % 20).collect();
        let (chosen, rest) = taken(&queue, 40);
        for number in 0..20 {
            assert_eq!(chosen.iter().filter(|one| **one == number).count(), 2);
        }
        assert_eq!(rest.len(), 160);
    }

    #[test]
    fn more_realms_than_places_still_fill_every_place() {
        let queue: Vec<u8> = (0..50).collect();
        let (chosen, rest) = taken(&queue, 8);
        assert_eq!((chosen.len(), rest.len()), (8, 42));
    }
}
