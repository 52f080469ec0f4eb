using Hanbae.Api.Codec;

namespace Hanbae.Api.Schema;

/// <summary>JSON schema's <c>items</c>: one schema or a list of them.</summary>
public sealed record SchemaOrArray<T> : IMessage<SchemaOrArray<T>> where T : class, IMessage<T>
{
    public static SchemaOrArray<T> Empty { get; } = new();
    public T? One { get; init; }
    public Seq<T> Many { get; init; }
    TypeSchema IMessage.Schema => T.Empty.Schema;

    public static SchemaOrArray<T> ReadJson(ref JsonReader r) => r.Next == '[' ? new() { Many = r.Messages<T>() } : new() { One = r.Message<T>() };

    public void WriteJson(ref JsonWriter w)
    {
        if (!Many.IsEmpty) w.Messages(Many);
        else if (One is null) w.Null();
        else One.WriteJson(ref w);
    }

    public static SchemaOrArray<T> ReadProto(ref ProtoReader r)
    {
        T? one = null;
        var many = new ListBuilder<T>();
        while (r.Tag(out int field))
            if (field == 1) one = r.Message<T>();
            else if (field == 2) many.Add(r.Message<T>());
            else r.Skip();
        return new() { One = one, Many = many.Any ? many.ToSeq() : default };
    }

    public void WriteProto(ref ProtoWriter w)
    {
        w.Messages(2, Many);
        if (One is not null) w.Message(1, One);
    }
}

/// <summary>JSON schema's <c>additionalProperties</c>: a schema, or whether any are allowed.</summary>
public sealed record SchemaOrBool<T> : IMessage<SchemaOrBool<T>> where T : class, IMessage<T>
{
    public static SchemaOrBool<T> Empty { get; } = new();
    public bool Allows { get; init; }
    public T? One { get; init; }
    TypeSchema IMessage.Schema => T.Empty.Schema;

    public static SchemaOrBool<T> ReadJson(ref JsonReader r) =>
        r.Next is 't' or 'f' ? new() { Allows = r.Bool() } : new() { Allows = true, One = r.Message<T>() };

    public void WriteJson(ref JsonWriter w)
    {
        if (One is null) w.Bool(Allows);
        else One.WriteJson(ref w);
    }

    public static SchemaOrBool<T> ReadProto(ref ProtoReader r)
    {
        bool allows = false;
        T? one = null;
        while (r.Tag(out int field))
            if (field == 1) allows = r.Bool();
            else if (field == 2) one = r.Message<T>();
            else r.Skip();
        return new() { Allows = allows, One = one };
    }

    public void WriteProto(ref ProtoWriter w)
    {
        if (One is not null) w.Message(2, One);
        w.Bool(1, Allows);
    }
}

/// <summary>JSON schema's <c>dependencies</c>: a schema, or names of required properties.</summary>
public sealed record SchemaOrStrings<T> : IMessage<SchemaOrStrings<T>> where T : class, IMessage<T>
{
    public static SchemaOrStrings<T> Empty { get; } = new();
    public T? One { get; init; }
    public Seq<string> Names { get; init; }
    TypeSchema IMessage.Schema => T.Empty.Schema;

    public static SchemaOrStrings<T> ReadJson(ref JsonReader r) => r.Next == '[' ? new() { Names = r.Strings() } : new() { One = r.Message<T>() };

    public void WriteJson(ref JsonWriter w)
    {
        if (!Names.IsEmpty) w.Strings(Names);
        else if (One is null) w.Null();
        else One.WriteJson(ref w);
    }

    public static SchemaOrStrings<T> ReadProto(ref ProtoReader r)
    {
        T? one = null;
        var names = new ListBuilder<string>();
        while (r.Tag(out int field))
            if (field == 1) one = r.Message<T>();
            else if (field == 2) names.Add(r.Pointer());
            else r.Skip();
        return new() { One = one, Names = names.Any ? names.ToSeq() : default };
    }

    public void WriteProto(ref ProtoWriter w)
    {
        w.Strings(2, Names);
        if (One is not null) w.Message(1, One);
    }
}
