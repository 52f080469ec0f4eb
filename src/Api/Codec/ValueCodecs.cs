namespace Hanbae.Api.Codec;

// The values that are not structures, each with its two wire forms. Upstream gives most of them a protobuf message of their own.

public readonly struct Int32Codec : IValueCodec<int>
{
    public static int ReadJson(ref JsonReader reader) => reader.Int32();
    public static void WriteJson(ref JsonWriter writer, int value) => writer.Int64(value);
    public static int ReadProto(ref ProtoReader reader) => reader.Int32();
    public static void WriteProto(ref ProtoWriter writer, int field, int value) => writer.Int64(field, value);
}

public readonly struct Int64Codec : IValueCodec<long>
{
    public static long ReadJson(ref JsonReader reader) => reader.Int64();
    public static void WriteJson(ref JsonWriter writer, long value) => writer.Int64(value);
    public static long ReadProto(ref ProtoReader reader) => reader.Int64();
    public static void WriteProto(ref ProtoWriter writer, int field, long value) => writer.Int64(field, value);
}

public readonly struct BoolCodec : IValueCodec<bool>
{
    public static bool ReadJson(ref JsonReader reader) => reader.Bool();
    public static void WriteJson(ref JsonWriter writer, bool value) => writer.Bool(value);
    public static bool ReadProto(ref ProtoReader reader) => reader.Bool();
    public static void WriteProto(ref ProtoWriter writer, int field, bool value) => writer.Bool(field, value);
}

public readonly struct DoubleCodec : IValueCodec<double>
{
    public static double ReadJson(ref JsonReader reader) => reader.Double();
    public static void WriteJson(ref JsonWriter writer, double value) => writer.Double(value);
    public static double ReadProto(ref ProtoReader reader) => reader.Double();
    public static void WriteProto(ref ProtoWriter writer, int field, double value) => writer.Double(field, value);
}

public readonly struct BytesCodec : IValueCodec<Bytes>
{
    public static Bytes ReadJson(ref JsonReader reader) => reader.Bytes();
    public static void WriteJson(ref JsonWriter writer, Bytes value) => writer.Bytes(value);
    public static Bytes ReadProto(ref ProtoReader reader) => new(reader.Span().ToArray());
    public static void WriteProto(ref ProtoWriter writer, int field, Bytes value)
    {
        if (!value.IsNil) writer.Bytes(field, value.Span);
    }
}

/// <summary>A message whose field 1 is the text.</summary>
public readonly struct QuantityCodec : IValueCodec<Quantity>
{
    public static Quantity ReadJson(ref JsonReader reader) => reader.Quantity();
    public static void WriteJson(ref JsonWriter writer, Quantity value) => writer.Quantity(value);

    public static Quantity ReadProto(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        Quantity value = default;
        while (sub.Tag(out int field))
            if (field == 1) value = Quantity.TryParse(sub.Span(), out var q, out string? error) ? q : throw new DecodeException(error!);
            else sub.Skip();
        return value;
    }

    public static void WriteProto(ref ProtoWriter writer, int field, Quantity value)
    {
        int start = writer.Length;
        writer.String(1, value.ToString());
        writer.EndMessage(field, start);
    }
}

/// <summary>A message of the kind of value (0 int, 1 string), the int and the string.</summary>
public readonly struct IntOrStringCodec : IValueCodec<IntOrString>
{
    public static IntOrString ReadJson(ref JsonReader reader) => reader.IntOrString();
    public static void WriteJson(ref JsonWriter writer, IntOrString value) => writer.IntOrString(value);

    public static IntOrString ReadProto(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        long type = 0;
        int number = 0;
        string text = "";
        while (sub.Tag(out int field))
            switch (field)
            {
                case 1: type = sub.Int64(); break;
                case 2: number = sub.Int32(); break;
                case 3: text = sub.Pointer(); break;
                default: sub.Skip(); break;
            }
        return type == 1 ? new(text) : new(number);
    }

    public static void WriteProto(ref ProtoWriter writer, int field, IntOrString value)
    {
        int start = writer.Length;
        writer.String(3, value.String);
        writer.Int64(2, value.Int);
        writer.Int64(1, value.IsString ? 1 : 0);
        writer.EndMessage(field, start);
    }
}

/// <summary>A message of seconds and nanoseconds; JSON has whole seconds, and so has what is sent.</summary>
public readonly struct TimeCodec : IValueCodec<DateTimeOffset?>
{
    public static DateTimeOffset? ReadJson(ref JsonReader reader) => reader.Time();
    public static void WriteJson(ref JsonWriter writer, DateTimeOffset? value) => writer.Time(value);
    public static DateTimeOffset? ReadProto(ref ProtoReader reader) => Read(ref reader);
    public static void WriteProto(ref ProtoWriter writer, int field, DateTimeOffset? value) => Write(ref writer, field, value, micro: false);

    internal static DateTimeOffset? Read(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        long seconds = 0, nanos = 0;
        bool any = false;
        while (sub.Tag(out int field))
        {
            any = true;
            if (field == 1) seconds = sub.Int64();
            else if (field == 2) nanos = sub.Int64();
            else sub.Skip();
        }
        if (!any) return null;
        if (seconds is < -62_135_596_800 or > 253_402_300_799 || nanos is < 0 or > 999_999_999) throw new DecodeException("proto: time out of range");
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
    }

    internal static void Write(ref ProtoWriter writer, int field, DateTimeOffset? value, bool micro)
    {
        int start = writer.Length;
        if (value is { } time)
        {
            writer.Int64(2, micro ? time.Ticks % TimeSpan.TicksPerSecond * 100 : 0);
            writer.Int64(1, time.ToUnixTimeSeconds());
        }
        writer.EndMessage(field, start);
    }
}

/// <inheritdoc cref="TimeCodec"/>
public readonly struct MicroTimeCodec : IValueCodec<DateTimeOffset?>
{
    public static DateTimeOffset? ReadJson(ref JsonReader reader) => reader.Time();
    public static void WriteJson(ref JsonWriter writer, DateTimeOffset? value) => writer.MicroTime(value);
    public static DateTimeOffset? ReadProto(ref ProtoReader reader) => TimeCodec.Read(ref reader);
    public static void WriteProto(ref ProtoWriter writer, int field, DateTimeOffset? value) => TimeCodec.Write(ref writer, field, value, micro: true);
}

/// <summary>A message whose field 1 is the nanoseconds; JSON has Go's text.</summary>
public readonly struct DurationCodec : IValueCodec<Duration>
{
    public static Duration ReadJson(ref JsonReader reader) => reader.Duration();
    public static void WriteJson(ref JsonWriter writer, Duration value) => writer.Duration(value);

    public static Duration ReadProto(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        long nanos = 0;
        while (sub.Tag(out int field))
            if (field == 1) nanos = sub.Int64();
            else sub.Skip();
        return new(nanos);
    }

    public static void WriteProto(ref ProtoWriter writer, int field, Duration value)
    {
        int start = writer.Length;
        writer.Int64(1, value.Nanoseconds);
        writer.EndMessage(field, start);
    }
}

/// <summary>A message whose field 1 is the raw JSON.</summary>
public readonly struct RawJsonCodec : IValueCodec<RawJson>
{
    public static RawJson ReadJson(ref JsonReader reader) => reader.Raw();
    public static void WriteJson(ref JsonWriter writer, RawJson value) => writer.RawJson(value);

    public static RawJson ReadProto(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        RawJson value = default;
        while (sub.Tag(out int field))
            if (field == 1) value = new(sub.Span().ToArray());
            else sub.Skip();
        return value;
    }

    public static void WriteProto(ref ProtoWriter writer, int field, RawJson value)
    {
        int start = writer.Length;
        if (!value.IsNil) writer.Bytes(1, value.Span);
        writer.EndMessage(field, start);
    }
}

/// <summary>A named list of strings: a message whose field 1 repeats.</summary>
public readonly struct StringsCodec : IValueCodec<Seq<string>>
{
    public static Seq<string> ReadJson(ref JsonReader reader) => reader.Strings();
    public static void WriteJson(ref JsonWriter writer, Seq<string> value) => writer.Strings(value);

    public static Seq<string> ReadProto(ref ProtoReader reader)
    {
        var sub = reader.Sub();
        var items = new ListBuilder<string>();
        while (sub.Tag(out int field))
            if (field == 1) items.Add(sub.Pointer());
            else sub.Skip();
        return items.ToSeq();
    }

    public static void WriteProto(ref ProtoWriter writer, int field, Seq<string> value)
    {
        int start = writer.Length;
        writer.Strings(1, value);
        writer.EndMessage(field, start);
    }
}
