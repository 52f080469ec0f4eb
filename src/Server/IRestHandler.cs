namespace Hanbae.Server;

/// <summary>Answers a resource or subresource that is no plain storage: tokens, access reviews, logs, scale.</summary>
/// <remarks>Authorization is done. Read the body with <see cref="RequestContext.ReadObjectAsync"/>, answer with <see cref="Reply.Object"/>.</remarks>
public interface IRestHandler
{
    ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct);

    /// <summary>Whether it answers with tables and metadata, too (<see cref="Encode.Computed"/>).</summary>
    bool Shapes => false;
}

/// <summary>Where an <see cref="IRestHandler"/> stands.</summary>
/// <param name="Group">Empty for core.</param>
/// <param name="Subresource">Empty for the resource itself.</param>
public sealed record RestRoute(string Group, string Resource, string Subresource, IRestHandler Handler);

/// <summary>Where something stands that is no resource: <c>/api</c>, <c>/openapi/v2</c>.</summary>
/// <param name="Path">The whole path, or with <paramref name="Below"/> the beginning of it up to and including a slash.</param>
public sealed record PathRoute(string Path, bool Below, Handler Handler);
