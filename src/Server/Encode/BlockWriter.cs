using System.Buffers;

namespace Hanbae.Server.Encode;

/// <summary>Fills the blocks of a response's own buffer and enters it once a block: each of its calls takes a lock, and events and items are many small parts.</summary>
/// <remarks>What was written counts once <see cref="Commit"/> says so: call it before the response is asked, flushed or written to otherwise.</remarks>
sealed class BlockWriter(IBufferWriter<byte> to) : IBufferWriter<byte>
{
    Memory<byte> _block;
    int _written;

    public void Advance(int count) => _written += count;

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_block.Length - _written < Math.Max(sizeHint, 1))
        {
            Commit();
            _block = to.GetMemory(sizeHint);
        }
        return _block[_written..];
    }

    public void Commit()
    {
        if (_written > 0) to.Advance(_written);
        (_block, _written) = (default, 0);
    }
}
