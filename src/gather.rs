//! What the standard library does for vectors, in the fewest instructions: browsers load its code
//! anew for each type that stands in one, and most hold a few items.

/// What [`collect`](Iterator::collect) is for vectors, without room made for what is promised.
pub(crate) trait Gather: Iterator + Sized {
    fn gather(self) -> Vec<Self::Item> {
        let mut items = Vec::new();
        for item in self {
            items.push(item);
        }
        items
    }
}

impl<I: Iterator> Gather for I {}

/// What [`retain`](Vec::retain) is, for few items or few that go.
pub(crate) trait Keep<T> {
    fn keep(&mut self, stays: impl FnMut(&T) -> bool);
}

impl<T> Keep<T> for Vec<T> {
    fn keep(&mut self, mut stays: impl FnMut(&T) -> bool) {
        let mut index = 0;
        while let Some(item) = self.get(index) {
            if stays(item) {
                index += 1;
            } else {
                self.remove(index);
            }
        }
    }
}
