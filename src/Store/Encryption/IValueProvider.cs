namespace Hanbae.Store.Encryption;

/// <summary>Turns values into what the store may see, and back: one key of one way to encrypt.</summary>
/// <remarks>What a value is kept under is authenticated with it where the way allows: nobody moves one Secret's value to another's place.</remarks>
public interface IValueProvider
{
    /// <summary>What stands before what it wrote, such as <c>k8s:enc:aesgcm:v1:key1:</c>; empty for values as they are.</summary>
    ReadOnlyMemory<byte> Prefix { get; }

    /// <returns>Without the prefix.</returns>
    /// <exception cref="EncryptionException"/>
    ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct);

    /// <param name="stored">Without the prefix.</param>
    /// <exception cref="EncryptionException"/>
    ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct);
}

/// <param name="Stale">It would be written otherwise today.</param>
public readonly record struct Decrypted(byte[] Plain, bool Stale);

/// <summary>A value cannot be encrypted or read: the key is not there, is another, or its keeper does not answer.</summary>
public sealed class EncryptionException(string message, Exception? inner = null) : Exception(message, inner);
