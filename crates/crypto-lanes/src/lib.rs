//! lanes
mod agree; mod boundary; mod comb; mod field; mod invert; mod point; mod scalar; mod window;
use reveille_crypto::*;

#[doc(hidden)]
pub fn proto(peers: &[&P256PublicKey], scalars: &[[u8;32]]) -> Vec<([u8;65],[u8;32])> {
    let mut groups: Vec<agree::Group> = vec![Default::default(); peers.len().div_ceil(8)];
    for ((g, ps), ss) in groups.iter_mut().zip(peers.chunks(8)).zip(scalars.chunks(8)) {
        for lane in 0..8 {
            let p = ps.get(lane).unwrap().as_bytes();
            let x = limbs(p[1..33].try_into().unwrap());
            let y = limbs(p[33..].try_into().unwrap());
            let (k, neg) = scalar::odd(&scalar::from_be_bytes(&ss[lane]));
            for i in 0..5 { g.peer_x.0[i][lane]=x[i]; g.peer_y.0[i][lane]=y[i]; }
            for i in 0..4 { g.scalars[i][lane]=k[i]; }
            g.negated |= (neg as u8) << lane;
        }
    }
    boundary::Ifma::detect().unwrap().agree(&mut groups).unwrap();
    let mut out = vec![];
    for g in &groups { for lane in 0..8 {
        let mut pk=[4;65]; 
        pk[1..33].copy_from_slice(&bytes(&g.public_x, lane));
        pk[33..].copy_from_slice(&bytes(&g.public_y, lane));
        out.push((pk, bytes(&g.shared_x, lane)));
    }}
    out
}
fn limbs(b: &[u8;32]) -> [u64;5] { let a = scalar::from_be_bytes(b); const M: u64=(1<<52)-1;
 [a[0]&M,(a[0]>>52|a[1]<<12)&M,(a[1]>>40|a[2]<<24)&M,(a[2]>>28|a[3]<<36)&M,a[3]>>16] }
fn bytes(s: &field::Stored, lane: usize) -> [u8;32] {
  let l: Vec<u64> = s.0.iter().map(|w| w[lane]).collect();
  let a=[l[0]|l[1]<<52, l[1]>>12|l[2]<<40, l[2]>>24|l[3]<<28, l[3]>>36|l[4]<<16];
  let mut out=[0;32];
  for i in 0..4 { out[32-8*(i+1)..32-8*i].copy_from_slice(&a[i].to_be_bytes()); }
  out
}
