using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Hanbae.Server.Front;

/// <summary>Kestrel's buffers are made of blocks as large as a TLS record, not of pages: events and lists are longer than those, and each block is rented, linked, copied from and given back.</summary>
/// <remarks>From the runtime's shared arrays, which it lets go of when they are idle. Connections and streams hold blocks while bytes wait in them, so the many idle ones hold none.</remarks>
sealed class Blocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    const int Size = FullRecords.Record;

    public override int MaxBufferSize => Size;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, Size);
        return Shared.Rent(Size);
    }

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    protected override void Dispose(bool disposing) { }
}
