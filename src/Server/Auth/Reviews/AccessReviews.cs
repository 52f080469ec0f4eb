using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Tells whether somebody may do something: of anyone, of anyone in one namespace, or of oneself (<c>kubectl auth can-i</c>).</summary>
sealed class AccessReviews(IAuthorizer authorizer) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct) => request.Info.Resource switch
    {
        "subjectaccessreviews" => await AnyoneAsync(request, ct).ConfigureAwait(false),
        "localsubjectaccessreviews" => await LocallyAsync(request, ct).ConfigureAwait(false),
        _ => await SelfAsync(request, ct).ConfigureAwait(false),
    };

    async ValueTask<Reply> AnyoneAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(SubjectAccessReview.Info, ct).ConfigureAwait(false) as SubjectAccessReview ?? throw Statuses.BadRequest("a SubjectAccessReview is required");
        Check(SubjectAccessReview.Info.Gvk, [.. WhatErrors(review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes), .. WhoErrors(review.Spec)]);
        return Reply.Object(review with { Status = await AskAsync(UserOf(review.Spec), review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes, ct).ConfigureAwait(false) }, 201);
    }

    async ValueTask<Reply> LocallyAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(LocalSubjectAccessReview.Info, ct).ConfigureAwait(false) as LocalSubjectAccessReview ?? throw Statuses.BadRequest("a LocalSubjectAccessReview is required");
        string ns = request.Info.Namespace;
        var errors = new List<FieldError>([.. WhatErrors(review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes), .. WhoErrors(review.Spec)]);
        if (review.Spec.NonResourceAttributes is not null) errors.Add(FieldError.Forbidden("spec.nonResourceAttributes", "disallowed on this kind of request"));
        if (review.Spec.ResourceAttributes is { } what && what.Namespace != ns) errors.Add(FieldError.Invalid("spec.resourceAttributes.namespace", what.Namespace, "must match metadata.namespace"));
        Check(LocalSubjectAccessReview.Info.Gvk, errors);
        return Reply.Object(review with
        {
            Metadata = review.Metadata with { Namespace = ns }, Status = await AskAsync(UserOf(review.Spec), review.Spec.ResourceAttributes, null, ct).ConfigureAwait(false),
        }, 201);
    }

    async ValueTask<Reply> SelfAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(SelfSubjectAccessReview.Info, ct).ConfigureAwait(false) as SelfSubjectAccessReview ?? throw Statuses.BadRequest("a SelfSubjectAccessReview is required");
        Check(SelfSubjectAccessReview.Info.Gvk, [.. WhatErrors(review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes)]);
        return Reply.Object(review with { Status = await AskAsync(request.User, review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes, ct).ConfigureAwait(false) }, 201);
    }

    static IEnumerable<FieldError> WhatErrors(ResourceAttributes? resource, NonResourceAttributes? path)
    {
        if (resource is not null && path is not null) yield return FieldError.Invalid("spec.nonResourceAttributes", path.Path, "cannot be specified in combination with resourceAttributes");
        foreach (var error in SelectorReview.Errors(resource)) yield return error;
        if (resource is null && path is null) yield return FieldError.InvalidAs("spec.resourceAttributes", "null", "exactly one of nonResourceAttributes or resourceAttributes must be specified");
    }

    static IEnumerable<FieldError> WhoErrors(SubjectAccessReviewSpec spec)
    {
        if (spec.User.Length == 0 && spec.Groups.IsEmpty) yield return FieldError.Invalid("spec.user", spec.User, "at least one of user or group must be specified");
    }

    static void Check(GroupVersionKind kind, IReadOnlyList<FieldError> errors)
    {
        if (errors.Count > 0) throw Statuses.Invalid(kind, "", errors);
    }

    static Identity UserOf(SubjectAccessReviewSpec spec) => new(spec.User, spec.Groups) { Uid = spec.Uid, Extra = spec.Extra };

    async ValueTask<SubjectAccessReviewStatus> AskAsync(Identity user, ResourceAttributes? resource, NonResourceAttributes? path, CancellationToken ct)
    {
        var decision = await authorizer.AuthorizeAsync(resource is not null
            ? new()
            {
                User = user, Verb = resource.Verb, IsResourceRequest = true, ApiGroup = resource.Group, ApiVersion = resource.Version, Namespace = resource.Namespace,
                Resource = resource.Resource, Subresource = resource.Subresource, Name = resource.Name,
                FieldSelector = SelectorReview.Text(resource.FieldSelector), LabelSelector = SelectorReview.Text(resource.LabelSelector),
            }
            : new() { User = user, Verb = path!.Verb, IsResourceRequest = false, Path = path.Path }, ct).ConfigureAwait(false);
        return new() { Allowed = decision.Verdict == Verdict.Allow, Denied = decision.Verdict == Verdict.Deny, Reason = decision.Reason, EvaluationError = decision.Error ?? "" };
    }
}
