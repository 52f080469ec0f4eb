using Hanbae.Api.Codec;

namespace Hanbae.Machinery.Convert;

/// <summary>For structures that differ in nothing but their names: written as one, read as the other. What the other does not have is left out.</summary>
static class Json
{
    public delegate T Reader<T>(ref JsonReader reader);

    public static T As<T>(IMessage from, Reader<T> read)
    {
        var writer = new JsonWriter(256);
        try
        {
            from.WriteJson(ref writer);
            var reader = new JsonReader(writer.Written);
            return read(ref reader);
        }
        finally { writer.Dispose(); }
    }
}
