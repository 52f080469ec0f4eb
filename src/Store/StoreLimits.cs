namespace Hanbae.Store;

/// <summary>Sizes that every store keeps to. The server refuses large bodies long before: upstream at 3 MiB.</summary>
public static class StoreLimits
{
    public const int MaxValueBytes = 8 << 20;
    public const int MaxKeyLength = 2048;

    /// <summary>What encryption may add to a value that is as large as values may be.</summary>
    const int EncryptionBytes = 8 << 10;

    internal static void Check(ReadOnlyMemory<byte> value)
    {
        if (value.Length > MaxValueBytes + (Encryption.Ciphertext.Is(value.Span) ? EncryptionBytes : 0)) throw new ValueTooLargeException(value.Length);
    }
}

/// <summary>Larger than <see cref="StoreLimits.MaxValueBytes"/>. On the wire 413.</summary>
public sealed class ValueTooLargeException(int length) : ArgumentException($"a value has at most {StoreLimits.MaxValueBytes} bytes, this one {length}");
