using Hanbae.Api.Schema;

namespace Hanbae.Api.Codec;

/// <summary>A generated API structure: what it can do without its type being known.</summary>
public interface IMessage
{
    /// <summary>Writes <c>{…}</c> without kind and apiVersion.</summary>
    void WriteJson(ref JsonWriter writer);
    /// <summary>Writes the fields, last first; the caller writes tag and length.</summary>
    void WriteProto(ref ProtoWriter writer);
    TypeSchema Schema { get; }
}

/// <summary>A generated API structure.</summary>
public interface IMessage<TSelf> : IMessage where TSelf : class, IMessage<TSelf>
{
    /// <summary>The one shared instance with nothing set.</summary>
    static abstract TSelf Empty { get; }
    static abstract TSelf ReadJson(ref JsonReader reader);
    static abstract TSelf ReadProto(ref ProtoReader reader);
}

/// <summary>How a value that is no structure stands in lists and maps.</summary>
public interface IValueCodec<T>
{
    static abstract T ReadJson(ref JsonReader reader);
    static abstract void WriteJson(ref JsonWriter writer, T value);
    static abstract T ReadProto(ref ProtoReader reader);
    static abstract void WriteProto(ref ProtoWriter writer, int field, T value);
}
