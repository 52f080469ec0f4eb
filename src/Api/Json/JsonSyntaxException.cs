namespace Hanbae.Api.Json;

/// <summary>The text is not JSON; the message is the one Go's decoder gives, because clients see it.</summary>
public sealed class JsonSyntaxException(string message, int offset) : FormatException(message)
{
    /// <summary>The byte at which reading stopped.</summary>
    public int Offset { get; } = offset;
}
