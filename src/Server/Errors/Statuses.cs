using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Patch;
using Hanbae.Machinery.Validate;
using Hanbae.Store;

namespace Hanbae.Server.Errors;

/// <summary>The one place where what went wrong becomes a <see cref="Status"/>, in upstream's form.</summary>
public static class Statuses
{
    public static Status Failure(int code, string reason, string message, StatusDetails? details = null) =>
        new() { StatusValue = "Failure", Message = message, Reason = reason, Code = code, Details = details };

    static StatusException Error(int code, string reason, string message, StatusDetails? details = null) => new(Failure(code, reason, message, details));

    static StatusDetails Of(GroupResource resource, string name) => new() { Name = name, Group = resource.Group ?? "", Kind = resource.Resource ?? "" };

    public static StatusException NotFound(GroupResource resource, string name) => Error(404, "NotFound", $"{resource} \"{name}\" not found", Of(resource, name));

    public static StatusException NoSuchResource() => Error(404, "NotFound", "the server could not find the requested resource", new());

    public static StatusException AlreadyExists(GroupResource resource, string name) => Error(409, "AlreadyExists", $"{resource} \"{name}\" already exists", Of(resource, name));

    public static StatusException Conflict(GroupResource resource, string name, string why) =>
        Error(409, "Conflict", $"Operation cannot be fulfilled on {resource} \"{name}\": {why}", Of(resource, name));

    /// <summary>An apply would change what others own: a cause for each field.</summary>
    public static StatusException ApplyConflict(Machinery.Apply.ConflictException conflicts) => Error(409, "Conflict", conflicts.Message, new()
    {
        Causes = [.. conflicts.Conflicts.Select(c => new StatusCause { Reason = "FieldManagerConflict", Message = $"conflict with {c.Owner}", Field = c.Field })],
    });

    /// <summary>The update was made from an older version than the current one.</summary>
    public static StatusException Modified(GroupResource resource, string name) =>
        Conflict(resource, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static StatusException Invalid(GroupVersionKind kind, string name, IReadOnlyList<FieldError> errors)
    {
        string shown = string.IsNullOrEmpty(kind.Group) ? kind.Kind : kind.Kind + "." + kind.Group;
        // Upstream's aggregate says the same thing once.
        string[] distinct = [.. errors.Select(e => e.ToString()).Distinct()];
        string text = distinct.Length == 1 ? distinct[0] : "[" + string.Join(", ", distinct) + "]";
        return Error(422, "Invalid", $"{shown} \"{name}\" is invalid: {text}", new()
        {
            Name = name, Group = kind.Group, Kind = kind.Kind,
            Causes = [.. errors.Select(e => new StatusCause { Reason = e.Reason, Message = e.Body, Field = e.Field })],
        });
    }

    public static StatusException BadRequest(string message) => Error(400, "BadRequest", message);

    public static StatusException Unauthorized() => Error(401, "Unauthorized", "Unauthorized");

    public static StatusException Forbidden(GroupResource resource, string name, string why)
    {
        string message = string.IsNullOrEmpty(resource.Resource) ? $"forbidden: {why}"
            : name.Length == 0 ? $"{resource} is forbidden: {why}" : $"{resource} \"{name}\" is forbidden: {why}";
        return Error(403, "Forbidden", message, Of(resource, name));
    }

    public static StatusException MethodNotAllowed(string message = "the server does not allow this method on the requested resource") => Error(405, "MethodNotAllowed", message, new());

    public static StatusException NotAcceptable(IEnumerable<string> types) =>
        Error(406, "NotAcceptable", "only the following media types are accepted: " + string.Join(", ", types));

    public static StatusException UnsupportedMediaType(IEnumerable<string> types) =>
        Error(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types include: " + string.Join(", ", types));

    public static StatusException TooLarge(long limit) => TooLarge($"limit is {limit}");

    public static StatusException TooLarge(string why) => Error(413, "RequestEntityTooLarge", "Request entity too large: " + why);

    public static StatusException TooManyRequests(string message, int retryAfter) => Error(429, "TooManyRequests", message, new() { RetryAfterSeconds = retryAfter });

    public static StatusException Timeout(string message, int retryAfter = 0) =>
        Error(504, "Timeout", "Timeout: " + message, retryAfter == 0 ? new() : new() { RetryAfterSeconds = retryAfter });

    public static StatusException ServerTimeout(GroupResource resource, string action, int retryAfter) =>
        Error(500, "ServerTimeout", $"The {action} operation against {resource} could not be completed at this time, please try again.",
            new() { Group = resource.Group, Kind = resource.Resource, RetryAfterSeconds = retryAfter });

    public static StatusException Unavailable(string message) => Error(503, "ServiceUnavailable", message);

    public static StatusException Internal(string message) =>
        Error(500, "InternalError", "Internal error occurred: " + message, new() { Causes = [new() { Message = message }] });

    /// <summary>Errors that upstream passes on without a reason of their own.</summary>
    public static StatusException Unknown(string message) => Error(500, "", message);

    public static StatusException Expired(string message) => Error(410, "Expired", message);

    /// <summary>A watch or an exact list from before what is kept.</summary>
    public static StatusException TooOld(long asked, long oldest) => Expired($"too old resource version: {asked} ({oldest})");

    /// <summary>Upstream's answer when a resourceVersion is yet to come: clients recognise the cause.</summary>
    public static StatusException TooLargeResourceVersion(long asked, long current, int retryAfter) =>
        Error(504, "Timeout", $"Timeout: Too large resource version: {asked}, current: {current}", new()
        {
            RetryAfterSeconds = retryAfter,
            Causes = [new() { Reason = "ResourceVersionTooLarge", Message = "Too large resource version" }],
        });

    /// <summary>What another server answered on our behalf, in the words that clients have for such codes.</summary>
    /// <param name="said">Its own words: clients see them where no others are known.</param>
    public static StatusException OfServer(int code, string said, GroupResource resource, string name)
    {
        var (reason, message) = code switch
        {
            401 => ("Unauthorized", "the server has asked for the client to provide credentials"),
            403 => ("Forbidden", said),
            404 => ("NotFound", "the server could not find the requested resource"),
            405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
            422 => ("Invalid", "the server rejected our request due to an error in our request"),
            429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "the server was unable to return a response in the time allotted, but may still be processing the request"),
            > 500 => ("InternalError", $"an error on the server ({FieldError.Quoted(said)}) has prevented the request from succeeding"),
            _ => ("", $"the server responded with the status code {code} but did not return more information"),
        };
        return Error(code, reason, $"{message} ( {resource} {name})", Of(resource, name));
    }

    /// <summary>Whatever was thrown, as a Status.</summary>
    public static Status From(Exception exception) => exception switch
    {
        StatusException e => e.Status,
        Api.Rest.ApiException e => e.Status,
        PatchException { Fault: PatchFault.Malformed } e => Failure(400, "BadRequest", e.Message),
        PatchException { Fault: PatchFault.Unprocessable or PatchFault.TestFailed } e => Failure(422, "Invalid", "the server rejected our request due to an error in our request", new()),
        CompactedException => Failure(410, "Expired", "The resourceVersion for the provided list is too old."),
        UnavailableException { Reason: Store.Unavailable.FutureRevision } e => Failure(504, "Timeout", "Timeout: " + e.Message),
        UnavailableException { Reason: Store.Unavailable.Overloaded } e => Failure(429, "TooManyRequests", "storage is (re)initializing: " + e.Message, new() { RetryAfterSeconds = 1 }),
        UnavailableException { Reason: Store.Unavailable.Unreadable } e => Internal(e.Message).Status,
        UnavailableException e => Failure(503, "ServiceUnavailable", e.Message, new() { RetryAfterSeconds = 1 }),
        OperationCanceledException => Failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
        ValueTooLargeException => Failure(413, "RequestEntityTooLarge", "etcdserver: request is too large"),
        _ => Internal(exception.Message).Status,
    };
}
