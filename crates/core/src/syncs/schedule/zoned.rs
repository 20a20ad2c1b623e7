//! The cron crate's view of a time in a zone.

use std::cmp::Ordering;

use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday, errors::CronError};
use jiff::{SignedDuration, ZonedDateTime, civil::DateTime, tz::AmbiguousOffset};

/// A time in a zone.
#[derive(Clone, Debug)]
pub(super) struct InZone(pub(super) ZonedDateTime);

impl CronDateTime for InZone {
    fn to_civil(&self) -> CivilDateTime {
        let it = self.0.datetime();
        let part = |number: i8| u32::from(number.unsigned_abs());
        let date = CivilDate::from_parts_unchecked(i32::from(it.year()), part(it.month()), part(it.day()));
        let time = CivilTime::from_parts_unchecked(part(it.hour()), part(it.minute()), part(it.second()));
        CivilDateTime::new(date, time)
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |number: u32| i8::try_from(number).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day, hour) = (part(civil.month())?, part(civil.day())?, part(civil.hour())?);
        let (minute, second) = (part(civil.minute())?, part(civil.second())?);
        let it = DateTime::new(year, month, day, hour, minute, second, 0);
        let it = self.0.time_zone().to_ambiguous_zoned_datetime(it.map_err(|_| CronError::InvalidDate)?);
        let found = |it: Result<ZonedDateTime, jiff::Error>| it.map(Self).map_err(|_| CronError::InvalidTime);
        Ok(match it.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(found(it.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(found(it.clone().earlier())?, found(it.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}
