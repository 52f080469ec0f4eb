using System.Text;
using System.Text.Json;

namespace Hanbae.Kubelet.Streaming;

/// <summary>How a remote command ended, in the forms the error channel speaks.</summary>
public sealed class RemoteCommandStatus
{
    RemoteCommandStatus(ReadOnlyMemory<byte> json, string? message) => (Json, Message) = (json, message);

    /// <summary>A <c>metav1.Status</c>: what protocols from v4 on write.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>What older protocols write; null after success, of which they say nothing.</summary>
    public string? Message { get; }

    public static RemoteCommandStatus Success { get; } = Write("Success", null, null, null, null);

    /// <param name="detail">What upstream appends after the colon; the runtime's own words where known.</param>
    public static RemoteCommandStatus NonZeroExitCode(int code, string? detail = null) =>
        Write("Failure", $"command terminated with non-zero exit code: {detail ?? $"exit status {code}"}", "NonZeroExitCode", ("ExitCode", $"{code}"), null);

    public static RemoteCommandStatus InternalError(string message) =>
        Write("Failure", $"Internal error occurred: {message}", "InternalError", (null, message), 500);

    /// <summary>What the runtime wrote, passed on byte for byte where the client speaks v4 too.</summary>
    public static RemoteCommandStatus FromJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var status = JsonDocument.Parse(json);
            if (status.RootElement.ValueKind == JsonValueKind.Object)
                return new(json, Text(status.RootElement, "status") == "Success" ? null : Text(status.RootElement, "message") ?? "unknown failure");
        }
        catch (JsonException) { }
        return json.IsEmpty
            ? InternalError("container runtime closed the stream without a status")
            : InternalError($"container runtime wrote an unreadable status: {Encoding.UTF8.GetString(json.Span)}");
    }

    static string? Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static RemoteCommandStatus Write(string status, string? message, string? reason, (string? Reason, string Message)? cause, int? code)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteEndObject();
            json.WriteString("status", status);
            if (message is not null) json.WriteString("message", message);
            if (reason is not null) json.WriteString("reason", reason);
            if (cause is { } why)
            {
                json.WriteStartObject("details");
                json.WriteStartArray("causes");
                json.WriteStartObject();
                if (why.Reason is not null) json.WriteString("reason", why.Reason);
                json.WriteString("message", why.Message);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }
            if (code is { } number) json.WriteNumber("code", number);
            json.WriteEndObject();
        }
        return new(bytes.ToArray(), message);
    }
}
