//! Functions over slices that the compiler vectorises for the processor at hand.

/// Defines a function whose body is compiled for several instruction sets (AVX-512, AVX2 with FMA, or
/// what the target has), the best of which is chosen when it is called. Lifetimes of references have to
/// be named.
macro_rules! simd {
    ($(#[$attr:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$attr])*
        $vis fn $name<$life>($($arg: $ty),*) $(-> $ret)? {
            struct Body<$life> {
                life: std::marker::PhantomData<&$life ()>,
                $($arg: $ty),*
            }
            impl<$life> pulp::WithSimd for Body<$life> {
                type Output = simd!(@ret $($ret)?);

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
                    let Self { life: _, $($arg),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Body { life: std::marker::PhantomData, $($arg),* })
        }
    };
    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
}
pub(crate) use simd;

/// Lanes of the partial sums of reductions: fixed, so that sums do not depend on the processor.
pub(crate) const LANES: usize = 16;

/// The sum over `i` of `f(i)`, in [`LANES`] partial sums.
#[inline(always)]
pub(crate) fn sum_by(len: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let whole = len / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(start + lane);
        }
    }
    for (lane, i) in (whole..len).enumerate() {
        lanes[lane] += f(i);
    }
    fold(lanes, |a, b| a + b)
}

/// The greatest element; negative infinity of none.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (max, &v) in lanes.iter_mut().zip(chunk) {
            *max = if v > *max { v } else { *max };
        }
    }
    for (max, &v) in lanes.iter_mut().zip(rest) {
        *max = if v > *max { v } else { *max };
    }
    fold(lanes, f32::max)
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}
