using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace Hanbae.Grpc.Wire;

/// <summary>Puts a message into gRPC's frame: one byte "compressed", four bytes length, the message.</summary>
internal static class Frame
{
    public const int HeaderSize = 5;

    public static int SizeOf(IMessage message) => HeaderSize + message.CalculateSize();

    /// <param name="frame">Exactly <see cref="SizeOf"/> bytes.</param>
    public static void Write(IMessage message, Span<byte> frame)
    {
        frame[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], frame.Length - HeaderSize);
        message.WriteTo(frame[HeaderSize..]);
    }

    public static async ValueTask WriteAsync(IMessage message, Stream body, CancellationToken ct)
    {
        int size = SizeOf(message);
        byte[] frame = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            Write(message, frame.AsSpan(0, size));
            await body.WriteAsync(frame.AsMemory(0, size), ct);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }
}
