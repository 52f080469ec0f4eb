namespace Hanbae.Api.Codec;

/// <summary>The protobuf envelope: <c>k8s\0</c>, then a message of kind and apiVersion (1) and the object's own message (2).</summary>
public static class Envelope
{
    /// <summary>Opens every protobuf body.</summary>
    public static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>The object's own message, and what the envelope says it is.</summary>
    /// <exception cref="DecodeException">No envelope, or a broken one.</exception>
    public static ReadOnlySpan<byte> Message(ReadOnlySpan<byte> body, out (string ApiVersion, string Kind) type)
    {
        type = ("", "");
        if (!body.StartsWith(Magic)) throw new DecodeException("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
        var reader = new ProtoReader(body[4..]);
        ReadOnlySpan<byte> message = default;
        while (reader.Tag(out int field))
            if (field == 1)
            {
                var sub = reader.Sub();
                while (sub.Tag(out int f))
                    if (f == 1) type.ApiVersion = sub.Pointer();
                    else if (f == 2) type.Kind = sub.Pointer();
                    else sub.Skip();
            }
            else if (field == 2) message = reader.Span();
            else reader.Skip();
        return message;
    }

    /// <summary>The message in its envelope.</summary>
    public static byte[] Wrap(IMessage value, GroupVersion version, string kind)
    {
        var writer = new ProtoWriter();
        try
        {
            writer.String(4, "");
            writer.String(3, "");
            int start = writer.Length;
            value.WriteProto(ref writer);
            writer.EndMessage(2, start);
            start = writer.Length;
            writer.String(2, kind);
            writer.String(1, version.ToString());
            writer.EndMessage(1, start);
            writer.Raw(Magic);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }
}
