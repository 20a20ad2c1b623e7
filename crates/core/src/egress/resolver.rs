//! Names to addresses, once, and only public ones.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

use super::address;

/// Why a name is not dialled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the name leads to an address that is not public")]
    Private,
    #[error("the name has no address")]
    Unknown,
}

/// The system's resolver. A name with any address that is not public is refused as a whole: one that answers with
/// both is up to something.
#[derive(Clone)]
pub(super) struct PublicOnly;

impl Service<Name> for PublicOnly {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Refused>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Refused::Unknown)?;
            judge(found.collect())
        })
    }
}

fn judge(found: Vec<SocketAddr>) -> Result<vec::IntoIter<SocketAddr>, Refused> {
    if found.is_empty() {
        return Err(Refused::Unknown);
    }
    if found.iter().all(|address| address::is_public(address.ip())) {
        Ok(found.into_iter())
    } else {
        Err(Refused::Private)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_private_address_among_public_ones_is_enough() {
        let of =
            |list: &[&str]| judge(list.iter().map(|text| format!("{text}:0").parse().unwrap()).collect());
        assert_eq!(of(&["8.8.8.8", "1.1.1.1"]).unwrap().count(), 2);
        assert!(matches!(of(&["8.8.8.8", "127.0.0.1"]), Err(Refused::Private)));
        assert!(matches!(of(&["8.8.8.8", "[::ffff:10.0.0.1]"]), Err(Refused::Private)));
        assert!(matches!(of(&[]), Err(Refused::Unknown)));
    }
}
