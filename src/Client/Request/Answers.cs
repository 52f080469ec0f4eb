using System.Text;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Client;

/// <summary>Turns answers into what the caller asked for, and error answers into exceptions.</summary>
public static class Answers
{
    /// <summary>The answer, unless it is an error.</summary>
    /// <exception cref="ApiException"/>
    public static ApiResult OrThrow(this ApiResult result) => result.Code < 400 ? result : throw new ApiException(StatusOf(result));

    /// <summary>The Status of an error answer; made up, as client-go does, when a proxy or an old server sent none.</summary>
    public static Status StatusOf(ApiResult result)
    {
        if (result.Object is Status status) return status.Code == 0 ? status with { Code = result.Code } : status;
        string text = Encoding.UTF8.GetString(result.Body.Span[..Math.Min(result.Body.Length, 2048)]).Trim();
        string reason = result.Code switch
        {
            400 => "BadRequest", 401 => "Unauthorized", 403 => "Forbidden", 404 => "NotFound", 405 => "MethodNotAllowed", 406 => "NotAcceptable",
            409 => "Conflict", 410 => "Gone", 413 => "RequestEntityTooLarge", 415 => "UnsupportedMediaType", 422 => "Invalid",
            429 => "TooManyRequests", 503 => "ServiceUnavailable", 504 => "Timeout", >= 500 => "InternalError", _ => "Unknown",
        };
        return new Status { StatusValue = "Failure", Code = result.Code, Reason = reason, Message = text.Length > 0 ? text : $"the server answered {result.Code}" };
    }

    internal static T As<T>(this ApiResult result) where T : class, IObject<T> =>
        result.Object is { } obj && (obj is T || obj is Unstructured { Info.Gvk: var gvk } && gvk == T.Info.Gvk) ? (T)To(obj, T.Info)
        : throw new InvalidDataException($"expected {T.Info.Kind}, got {What(result)}");

    /// <summary>The object as another type of the same kind holds it: itself as a rule. Inside a process custom resources come as trees.</summary>
    internal static IObject To(IKind obj, KindInfo kind) => obj.Kind() == kind ? (IObject)obj : (IObject)kind.Decode(obj.Kind().ToJson(obj));

    internal static ListOf<T> AsList<T>(this ApiResult result) where T : class, IObject<T>
    {
        if (result.List is not { } list) throw new InvalidDataException($"expected {T.Info.ListKind}, got {What(result)}");
        var items = new T[list.Items.Count];
        for (int i = 0; i < items.Length; i++) items[i] = (T)To(list.Items[i], T.Info);
        return new(list.Metadata.ResourceVersion, items) { Continue = list.Metadata.Continue };
    }

    static string What(ApiResult result) => result.Object?.Kind().ToString() ?? (result.List is null ? $"{result.Body.Length} bytes" : "a list");
}
