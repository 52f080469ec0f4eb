using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hanbae.Bench.Codec.Plain;

/// <summary>A port by number or name, as the sample's probes have it.</summary>
[JsonConverter(typeof(IntOrTextConverter))]
public readonly record struct IntOrText(int Number, string? Text);

public sealed class IntOrTextConverter : JsonConverter<IntOrText>
{
    public override IntOrText Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? new(0, reader.GetString()) : new(reader.GetInt32(), null);

    public override void Write(Utf8JsonWriter writer, IntOrText value, JsonSerializerOptions options)
    {
        if (value.Text is { } text) writer.WriteStringValue(text);
        else writer.WriteNumberValue(value.Number);
    }
}

/// <summary>System.Text.Json at its best: generated at build, metadata to read by and a straight path to write by.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Pod))]
public sealed partial class PlainJson : JsonSerializerContext;
