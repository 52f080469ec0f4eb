using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>One step of a <see cref="JsonPatch"/>.</summary>
public sealed class JsonPatchOperation(JsonObject operation)
{
    const string Missing = "missing value";

    /// <summary><c>add</c>, <c>remove</c>, <c>replace</c>, <c>move</c>, <c>copy</c>, <c>test</c> or whatever was written.</summary>
    public string Kind { get; } = operation["op"] is JsonString op ? op.Value : "unknown";

    public string? Path { get; } = (operation["path"] as JsonString)?.Value;
    public string? From { get; } = (operation["from"] as JsonString)?.Value;

    JsonValue Value { get; } = operation["value"] ?? JsonNull.Instance;

    internal JsonValue Apply(JsonValue document)
    {
        switch (Kind)
        {
            case "add":
                return Add(document, PathOr("add operation failed to decode path: " + Missing), Value,
                    path => $"add operation does not apply: doc is missing path: \"{path}\": {Missing}", path => $"error in add for path: '{path}': ");
            case "remove":
            {
                string path = PathOr("remove operation failed to decode path: " + Missing);
                return Remove(document, path,
                    $"remove operation does not apply: doc is missing path: \"{path}\": {Missing}", $"error in remove for path: '{path}': ");
            }
            case "replace":
                return Replace(document, PathOr($"replace operation failed to decode path: operation missing path field: {Missing}"));
            case "move":
            {
                string from = FromOr($"move operation failed to decode from: operation, missing from field: {Missing}");
                var pointer = JsonPointer.Parse(from);
                string error = $"error in move for path: '{pointer.Key}': ";
                var value = Get(document, pointer, $"move operation does not apply: doc is missing from path: {from}: {Missing}", error);
                var rest = Remove(document, from, "", error);
                return Add(rest, PathOr($"move operation failed to decode path: operation missing path field: {Missing}"),
                    value ?? JsonNull.Instance,
                    path => $"move operation does not apply: doc is missing destination path: {path}: {Missing}",
                    path => $"error in move for path: '{path}': ");
            }
            case "copy":
            {
                string from = FromOr($"copy operation failed to decode from: operation, missing from field: {Missing}");
                var value = Get(document, JsonPointer.Parse(from),
                    $"copy operation does not apply: doc is missing from path: {from}: {Missing}", $"error in copy for from: '{from}': ");
                return Add(document, PathOr("copy operation failed to decode path: " + Missing), value ?? JsonNull.Instance,
                    path => $"copy operation does not apply: doc is missing destination path: {path}: {Missing}",
                    _ => "error while adding value during copy: ");
            }
            case "test":
                Test(document, PathOr($"test operation failed to decode path: operation missing path field: {Missing}"));
                return document;
            default:
                throw Fail("Unexpected kind: " + Kind);
        }
    }

    string PathOr(string error) => Path ?? throw Fail(error);
    string FromOr(string error) => From ?? throw Fail(error);

    static JsonValue Add(JsonValue document, string path, JsonValue value, Func<string, string> missing, Func<string, string> context) =>
        JsonPointer.Parse(path).Change(document, (container, key) => container switch
        {
            JsonObject o => o.With(key, value),
            JsonArray a when key == "-" => a.Insert(a.Count, value),
            JsonArray a => a.Insert(Index(key, a.Count + 1, context(path), $"value was not a proper array index: '{key}': "), value),
            _ => null,
        }) ?? throw Fail(missing(path));

    static JsonValue Remove(JsonValue document, string path, string missing, string context) =>
        JsonPointer.Parse(path).Change(document, (container, key) => container switch
        {
            JsonObject o => o.Contains(key) ? o.Without(key) : throw Fail($"{context}Unable to remove nonexistent key: {key}: {Missing}"),
            JsonArray a => a.RemoveAt(Index(key, a.Count, context)),
            _ => null,
        }) ?? throw Fail(missing);

    JsonValue Replace(JsonValue document, string path)
    {
        if (path.Length == 0) return Value is JsonObject or JsonArray ? Value : throw Fail("replace operation value must be object or array");
        return JsonPointer.Parse(path).Change(document, (container, key) => container switch
        {
            JsonObject o => o.With(key, Value),
            JsonArray a => a.SetItem(IndexOrNull(key, a.Count)
                ?? throw Fail($"replace operation does not apply: doc is missing key: {path}: {Missing}"), Value),
            _ => null,
        }) ?? throw Fail($"replace operation does not apply: doc is missing path: {path}: {Missing}");
    }

    void Test(JsonValue document, string path)
    {
        var actual = path.Length == 0 ? document
            : Get(document, JsonPointer.Parse(path),
                $"test operation does not apply: is missing path: {path}: {Missing}", $"error in test for path: '{path}': ");
        if (!(actual ?? JsonNull.Instance).Equals(Value)) throw new PatchException(PatchFault.TestFailed, $"testing value {path} failed: test failed");
    }

    /// <returns>The value, or null when an object lacks the member.</returns>
    static JsonValue? Get(JsonValue document, JsonPointer pointer, string missing, string context) => pointer.Container(document) switch
    {
        JsonObject o => o[pointer.Key],
        JsonArray a => a[Index(pointer.Key, a.Count, context)],
        _ => throw Fail(missing),
    };

    static int Index(string key, int count, string context, string notANumber = "")
    {
        if (JsonPointer.Atoi(key) is not { } index) throw Fail($"{context}{notANumber}strconv.Atoi: parsing {GoQuote.Text(key)}: invalid syntax");
        if (index >= count || index < -count) throw Fail($"{context}Unable to access invalid index: {index}: invalid index referenced");
        return index < 0 ? index + count : index;
    }

    static int? IndexOrNull(string key, int count) =>
        JsonPointer.Atoi(key) is { } index && index < count && index >= -count ? index < 0 ? index + count : index : null;

    static PatchException Fail(string message) => new(PatchFault.Unprocessable, message);
}
