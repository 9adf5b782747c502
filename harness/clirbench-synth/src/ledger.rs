//! What was spent, and what may still be.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    recipe::{BudgetSpec, PriceSpec},
    reply::Reply,
    request::Tokens,
};

/// What requests have cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spending {
    /// Requests sent, whatever became of them.
    pub requests: u64,
    /// Replies that came, accepted or not.
    pub replies: u64,
    /// Tokens of these.
    pub tokens: Tokens,
    /// Replies that do not say what they cost; they count with the most that they can.
    pub uncounted: u64,
    /// Most tokens of requests that broke off and may have been charged.
    pub unsettled: Tokens,
    /// Requests without a reply, by what happened.
    pub faults: BTreeMap<String, u64>,
    /// Seconds that requests took, added up.
    pub seconds: f64,
}

impl Spending {
    pub(crate) fn replied(&mut self, reply: &Reply, bound: Tokens, seconds: f64) {
        self.replies += 1;
        self.seconds += seconds;
        match reply.usage {
            Some(usage) => self.tokens += usage,
            None => {
                self.uncounted += 1;
                self.tokens += bound;
            }
        }
    }

    pub(crate) fn failed(&mut self, fault: String, charged: Option<Tokens>, seconds: f64) {
        *self.faults.entry(fault).or_default() += 1;
        self.unsettled += charged.unwrap_or_default();
        self.seconds += seconds;
    }

    /// All tokens that were, or may have been, charged.
    fn charged(&self) -> Tokens {
        let mut all = self.tokens;
        all += self.unsettled;
        all
    }

    /// The money for these, in the currency of the prices.
    #[must_use]
    pub fn money(&self, prices: &PriceSpec) -> f64 {
        price(prices, self.charged())
    }
}

/// Money for tokens.
pub(crate) fn price(prices: &PriceSpec, tokens: Tokens) -> f64 {
    (tokens.input as f64 * prices.input + tokens.output as f64 * prices.output) / 1e6
}

/// Whether a request fits into the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It does, whatever requests under way will cost.
    Now,
    /// It may, once those have ended.
    Later,
    /// It does not.
    Never,
}

/// Whether a request that can cost `bound` fits, where `under_way` may come to what is spent.
pub(crate) fn room(
    budget: &BudgetSpec,
    prices: Option<&PriceSpec>,
    spending: &Spending,
    under_way: Tokens,
    bound: Tokens,
) -> Room {
    if budget.requests.is_some_and(|most| spending.requests >= most) {
        return Room::Never;
    }
    let fits = |under_way: Tokens| {
        let mut all = spending.charged();
        all += under_way;
        all += bound;
        let tokens = budget.tokens.is_none_or(|most| all.total() <= most);
        // Without prices there is no budget of money: the recipe is checked for that.
        let money = budget.money.zip(prices).is_none_or(|(most, prices)| price(prices, all) <= most);
        tokens && money
    };
    match (fits(under_way), fits(Tokens::default())) {
        (true, _) => Room::Now,
        (false, true) => Room::Later,
        (false, false) => Room::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: PriceSpec = PriceSpec { input: 2.0, output: 10.0, currency: String::new() };

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output }
    }

    #[test]
    fn a_request_is_let_through_only_if_its_bound_fits() {
        let spending =
            Spending { tokens: tokens(300, 100), unsettled: tokens(50, 50), ..Spending::default() };
        let budget = BudgetSpec { tokens: Some(1000), ..BudgetSpec::default() };
        let ask = |under_way, bound| room(&budget, None, &spending, under_way, bound);
        assert_eq!(ask(tokens(0, 0), tokens(400, 100)), Room::Now);
        assert_eq!(ask(tokens(0, 1), tokens(400, 100)), Room::Later);
        assert_eq!(ask(tokens(0, 0), tokens(401, 100)), Room::Never);
    }

    #[test]
    fn money_and_requests_bound_too() {
        let spending = Spending { requests: 3, tokens: tokens(1_000_000, 0), ..Spending::default() };
        let money = BudgetSpec { money: Some(3.0), ..BudgetSpec::default() };
        let ask = |bound| room(&money, Some(&PRICES), &spending, Tokens::default(), bound);
        assert_eq!(ask(tokens(0, 100_000)), Room::Now);
        assert_eq!(ask(tokens(0, 100_001)), Room::Never);
        let requests = |most| BudgetSpec { requests: Some(most), ..BudgetSpec::default() };
        let ask = |most| room(&requests(most), None, &spending, Tokens::default(), Tokens::default());
        assert_eq!((ask(4), ask(3)), (Room::Now, Room::Never));
    }

    #[test]
    fn a_reply_that_does_not_say_its_cost_counts_with_the_most_it_can() {
        let mut spending = Spending::default();
        let reply = Reply::parse(r#"{"choices": [{"message": {"content": "가나"}}]}"#).expect("a completion");
        spending.replied(&reply, tokens(100, 900), 1.0);
        assert_eq!((spending.tokens, spending.uncounted), (tokens(100, 900), 1));
    }
}
