//! What went wrong, told by the causes of an error.

use std::{error::Error as StdError, io};

use keyhaven_connectors::Fault;

use super::resolver::Refused;

/// What went wrong with a connection that was there.
pub(super) fn fault(error: &(dyn StdError + 'static)) -> Fault {
    read(error, false)
}

/// What went wrong while connecting.
pub(super) fn fault_of_connecting(error: &(dyn StdError + 'static)) -> Fault {
    read(error, true)
}

/// Tells the faults apart by what is at the bottom of an error.
fn read(error: &(dyn StdError + 'static), connecting: bool) -> Fault {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        // An io::Error hides what it was made from.
        let hidden = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = hidden.or_else(|| cause.source());
    }
    if let Some(refused) = causes.iter().find_map(|cause| cause.downcast_ref::<Refused>()) {
        return match refused {
            Refused::Private => Fault::RefusedAddress,
            Refused::Unknown => Fault::Dns,
        };
    }
    if causes.iter().any(|cause| cause.is::<rustls::Error>()) {
        return Fault::Tls;
    }
    let is = |kinds: &[io::ErrorKind]| {
        causes
            .iter()
            .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| kinds.contains(&error.kind())))
    };
    if is(&[io::ErrorKind::TimedOut]) {
        return Fault::TimedOut;
    }
    // A handshake that the other side cuts short is no error of rustls, and yet it is the secure connection that failed.
    if connecting
        && is(&[io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe])
    {
        return Fault::Tls;
    }
    if connecting { Fault::Connect } else { Fault::Broken }
}
