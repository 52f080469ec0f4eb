using Hanbae.Api;

namespace Hanbae.Server.Registry;

/// <summary>A strategy whose objects need something that no two may have, such as an address: upstream's BeginCreate and BeginUpdate.</summary>
public interface IReserves
{
    /// <summary>Takes what the object needs, after mutating admission and before it is prepared and validated.</summary>
    /// <param name="old">Null on create.</param>
    /// <param name="stored">Where such objects are: to learn at first what is taken.</param>
    /// <exception cref="Errors.StatusException">What was asked for is not to be had.</exception>
    ValueTask<IReservation> ReserveAsync(IObject obj, IObject? old, StoredResource stored, CancellationToken ct);
}

/// <summary>What was taken for a write. Disposed of without <see cref="Settle"/> it is given back.</summary>
public interface IReservation : IDisposable
{
    /// <summary>With what was taken filled in.</summary>
    IObject Object { get; }
    /// <summary>The write is on its way: if nothing is heard of it again, it may have happened.</summary>
    void Writing();
    /// <summary>The write happened, or certainly did not.</summary>
    void Settle(bool written);
}
