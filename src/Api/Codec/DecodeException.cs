namespace Hanbae.Api.Codec;

/// <summary>Input that is not what it should be. The message is in the words a Go server would use, since clients show it.</summary>
/// <param name="offset">Where in the input, in bytes; −1 when unknown.</param>
public sealed class DecodeException(string message, int offset = -1) : Exception(message)
{
    public int Offset { get; } = offset;
}
