namespace Hanbae.Api.Json;

/// <summary>Reads what may be missing, or be something else than was expected.</summary>
public static class JsonReading
{
    /// <summary>The text; empty for what is missing or no text.</summary>
    public static string Text(this JsonValue? value) => (value as JsonString)?.Value ?? "";
}
