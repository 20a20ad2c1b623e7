//! What belongs to a deal or a product, and is listed with it.

use super::{Crm, Kind, Line, PER_DEAL, PER_PRODUCT, Scope, is_there, pages::Page};
use crate::query::Query;

const MOST_DEALS: usize = 100;

/// The products of some deals: of the one in the path, or of those in `deal_ids`, given once with commas or repeatedly.
pub(crate) fn of_deals(
    crm: &Crm,
    deal: Option<u64>,
    query: &Query,
    now: u64,
) -> Result<Option<Page<Line, String>>, String> {
    let deals = match deal {
        Some(deal) => vec![deal],
        None => deal_ids(query)?,
    };
    let there = |deal: &u64| crm.get(Kind::Deal, *deal).as_ref().is_some_and(is_there);
    let known: Vec<_> = deals.into_iter().filter(there).collect();
    if deal.is_some() && known.is_empty() {
        return Ok(None);
    }
    let ids = belonging(crm, Kind::DealProduct, &known);
    super::list(crm, Kind::DealProduct, Scope::Usual, Some(ids), query, now).map(Some)
}

/// The variations of a product; nothing where there is no such product.
pub(crate) fn of_product(
    crm: &Crm,
    product: u64,
    query: &Query,
    now: u64,
) -> Result<Option<Page<Line, String>>, String> {
    if !crm.get(Kind::Product, product).as_ref().is_some_and(is_there) {
        return Ok(None);
    }
    let ids = belonging(crm, Kind::Variation, &[product]);
    super::list(crm, Kind::Variation, Scope::Usual, Some(ids), query, now).map(Some)
}

fn deal_ids(query: &Query) -> Result<Vec<u64>, String> {
    let ids: Result<Vec<u64>, _> =
        query.all("deal_ids").flat_map(|ids| ids.split(',')).map(str::parse).collect();
    let ids = ids.map_err(|_| "deal_ids: must be whole numbers")?;
    match ids.len() {
        0 => Err("deal_ids: is required".into()),
        count if count > MOST_DEALS => Err(format!("deal_ids: at most {MOST_DEALS}")),
        _ => Ok(ids),
    }
}

/// The ids of what belongs to these.
fn belonging(crm: &Crm, kind: Kind, owners: &[u64]) -> Vec<u64> {
    let (each, field) =
        if kind == Kind::DealProduct { (PER_DEAL, "deal_id") } else { (PER_PRODUCT, "product_id") };
    let made = owners.iter().flat_map(|owner| (owner - 1) * each + 1..=owner * each);
    let made = made.filter(|id| *id <= crm.size(kind) && !crm.table(kind).is_changed(*id));
    let owner = |id: u64| crm.get(kind, id).and_then(|record| record[field].as_u64());
    let changed =
        crm.table(kind).changed().filter(|id| owner(*id).is_some_and(|owner| owners.contains(&owner)));
    made.chain(changed).collect()
}

/// How many products a deal has.
pub(super) fn products_of(crm: &Crm, deal: u64) -> usize {
    let all = belonging(crm, Kind::DealProduct, &[deal]).into_iter();
    all.filter(|id| crm.get(Kind::DealProduct, *id).as_ref().is_some_and(is_there)).count()
}

/// Whether what a record belongs to is still there.
pub(super) fn has_owner(crm: &Crm, kind: Kind, record: &super::Record) -> bool {
    let owner = |kind: Kind, field: &str| {
        let id = record[field].as_u64();
        id.and_then(|id| crm.get(kind, id)).as_ref().is_some_and(is_there)
    };
    match kind {
        Kind::DealProduct => owner(Kind::Deal, "deal_id"),
        Kind::Variation => owner(Kind::Product, "product_id"),
        _ => true,
    }
}
