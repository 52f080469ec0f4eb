namespace Hanbae.Server.Registry;

/// <summary>A strategy whose objects may be stored in versions that only somebody else can convert.</summary>
public interface IConvertsStored
{
    /// <summary>The values in the stored version's form, in their order; those that are in it already as they came.</summary>
    /// <exception cref="Errors.StatusException">They cannot be converted now.</exception>
    ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>> ConvertAsync(IReadOnlyList<ReadOnlyMemory<byte>> stored, CancellationToken ct);
}
