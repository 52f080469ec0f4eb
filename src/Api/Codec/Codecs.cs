using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>What generated types share.</summary>
static class Codecs
{
    /// <summary>Structures with nothing set are kept as null and read as the shared empty one, so that equal objects are equal however they came.</summary>
    /// <remarks>By value: JSON may say <c>{"loadBalancer":{}}</c>, and protobuf writes all zero values.</remarks>
    public static T? NullIfEqual<T>(T value) where T : class, IMessage<T> => value.Equals(T.Empty) ? null : value;

    public static string Text(IMessage message)
    {
        var writer = new JsonWriter(512);
        try { message.WriteJson(ref writer); return Encoding.UTF8.GetString(writer.Written); }
        finally { writer.Dispose(); }
    }

    public static int Hash(IMessage message) => string.GetHashCode(Text(message), StringComparison.Ordinal);
}
