"""MurmurHash3 by Austin Appleby (public domain), in the two forms that partition keys are hashed with."""

from __future__ import annotations

_M32 = 0xFFFF_FFFF
_M64 = 0xFFFF_FFFF_FFFF_FFFF
_A64, _B64 = 0x87C3_7B91_1142_53D5, 0x4CF5_AD43_2745_937F
_A32, _B32 = 0xCC9E_2D51, 0x1B87_3593


def murmur3_128(data: bytes) -> tuple[int, int]:
    """The x64 128-bit hash with seed 0, as its two 64-bit words."""
    low = high = 0
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        low ^= _scramble_low(int.from_bytes(data[at : at + 8], "little"))
        low = (((low << 27 | low >> 37) & _M64) + high) * 5 + 0x52DC_E729 & _M64
        high ^= _scramble_high(int.from_bytes(data[at + 8 : at + 16], "little"))
        high = (((high << 31 | high >> 33) & _M64) + low) * 5 + 0x3849_5AB5 & _M64
    tail = data[whole:]
    high ^= _scramble_high(int.from_bytes(tail[8:], "little"))
    low ^= _scramble_low(int.from_bytes(tail[:8], "little"))
    low, high = low ^ len(data), high ^ len(data)
    low = low + high & _M64
    high = high + low & _M64
    low, high = _mix64(low), _mix64(high)
    low = low + high & _M64
    return low, high + low & _M64


def murmur3_32(data: bytes) -> int:
    """The x86 32-bit hash with seed 0."""
    state = 0
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        state ^= _scramble_32(int.from_bytes(data[at : at + 4], "little"))
        state = (state << 13 | state >> 19) & _M32
        state = state * 5 + 0xE654_6B64 & _M32
    state ^= _scramble_32(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EB_CA6B & _M32
    state = (state ^ state >> 13) * 0xC2B2_AE35 & _M32
    return state ^ state >> 16


def _scramble_low(word: int) -> int:
    word = word * _A64 & _M64
    return (word << 31 | word >> 33) * _B64 & _M64


def _scramble_high(word: int) -> int:
    word = word * _B64 & _M64
    return (word << 33 | word >> 31) * _A64 & _M64


def _scramble_32(word: int) -> int:
    word = word * _A32 & _M32
    return (word << 15 | word >> 17) * _B32 & _M32


def _mix64(word: int) -> int:
    word = (word ^ word >> 33) * 0xFF51_AFD7_ED55_8CCD & _M64
    word = (word ^ word >> 33) * 0xC4CE_B9FE_1A85_EC53 & _M64
    return word ^ word >> 33
