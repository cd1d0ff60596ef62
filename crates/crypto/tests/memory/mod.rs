//! Looks for a secret in this process's own memory.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::disallowed_methods)]

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

const MASK: u8 = 0xA5;

/// A secret in a form that is not found when memory is searched for it.
pub struct Masked(Vec<u8>);

impl Masked {
    pub fn new(secret: &[u8]) -> Self {
        Self(secret.iter().map(|byte| byte ^ MASK).collect())
    }

    /// From masked bytes, for a secret that must not be in the binary.
    pub fn from_masked(masked: &[u8]) -> Self {
        Self(masked.to_vec())
    }

    /// The same number with its least significant byte first, as limbs are stored.
    pub fn reversed(&self) -> Self {
        Self(self.0.iter().rev().copied().collect())
    }

    pub fn unmasked(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().map(|byte| byte ^ MASK)
    }

    /// How often it is in memory that this process can write to.
    pub fn occurrences(&self) -> usize {
        let mut maps = String::new();
        File::open("/proc/self/maps").unwrap().read_to_string(&mut maps).unwrap();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let mut chunk = vec![0; 1 << 20];
        // What is read must not be found again where it was read to.
        let own = chunk.as_ptr() as u64..chunk.as_ptr() as u64 + chunk.len() as u64;
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[vv")) {
            let (range, _) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let mut at = u64::from_str_radix(from, 16).unwrap();
            let to = u64::from_str_radix(to, 16).unwrap();
            while at < to {
                if own.contains(&at) {
                    at = own.end;
                    continue;
                }
                memory.seek(SeekFrom::Start(at)).unwrap();
                let end = if at < own.start { to.min(own.start) } else { to };
                let wanted = usize::try_from(end - at).unwrap().min(chunk.len());
                let Ok(read) = memory.read(&mut chunk[..wanted]) else { break };
                if read == 0 {
                    break;
                }
                found += self.count(&chunk[..read]);
                // Chunks overlap, so that nothing hides at a border.
                let overlap = if at + read as u64 == end { 0 } else { self.0.len() - 1 };
                at += read.saturating_sub(overlap).max(1) as u64;
            }
        }
        chunk.fill(0);
        found
    }

    fn count(&self, bytes: &[u8]) -> usize {
        let (first, len) = (self.0[0] ^ MASK, self.0.len());
        (0..bytes.len().saturating_sub(len - 1))
            .filter(|at| bytes[*at] == first)
            .filter(|at| {
                bytes[*at..*at + len].iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
            })
            .count()
    }
}
