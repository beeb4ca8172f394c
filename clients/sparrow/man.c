/* man.c - the man page sparrow(1), made from the option tables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "clients/sparrow/man.h"

#include "clients/sparrow/say.h"

const char *man_summary(void)
{
    return "Recognises spoken words with sparse-sparse networks: in this process, or through a "
           "running sparrowd. It also tells what a model is made of, measures its accuracy and "
           "its speed, and puts load on a server.";
}

/* Text as roff: '-' and '\' are escaped, a line that begins with '.' or ''' is protected, empty
 * lines become paragraphs, and lines that begin with a blank are shown as they are. */
static void roff(const char *text, FILE *out)
{
    bool start = true, verbatim = false;
    for (; *text; text++) {
        if (*text == '\n') {
            bool blank = text[1] == ' ', paragraph = text[1] == '\n';
            if (blank && !verbatim)
                fputs("\n.nf", out);
            if (!blank && verbatim)
                fputs("\n.fi", out);
            verbatim = blank;
            fputs(paragraph ? "\n.PP\n" : "\n", out);
            text += paragraph;
            start = true;
            continue;
        }
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        start = false;
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
    fputs(verbatim ? "\n.fi\n" : "\n", out);
}

static void print_option(const struct options_option *option, FILE *out)
{
    fputs(".TP\n", out);
    if (option->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", out);
    for (const char *c = option->name; *c; c++)
        fputs(*c == '-' ? "\\-" : (char[]){*c, '\0'}, out);
    fputs("\\fR", out);
    if (option->value)
        fprintf(out, " \\fI%s\\fR", option->value);
    fputc('\n', out);
    roff(option->help, out);
    if (option->fallback)
        fprintf(out, "(default %s)\n", option->fallback);
}

static void print_command(const struct options_command *command, FILE *out)
{
    fprintf(out, ".SS sparrow %s [\\fIOPTION\\fR...] %s\n", command->name,
            command->operands ? command->operands : "");
    roff(command->details, out);
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i], out);
}

void man_print(const struct options_command *const *commands, FILE *out)
{
    fprintf(out,
            ".\\\" Made from the option tables by `sparrow --man`.\n"
            ".\\\" SPDX-License-Identifier: Apache-2.0\n"
            ".TH SPARROW 1 \"\" \"sparrow %s\" \"User commands\"\n"
            ".SH NAME\nsparrow \\- recognise spoken words with sparse-sparse networks\n"
            ".SH SYNOPSIS\n.B sparrow\n\\fICOMMAND\\fR [\\fIOPTION\\fR...] "
            "[\\fIFILE\\fR...]\n.br\n"
            ".B sparrow \\-\\-help\n.br\n.B sparrow \\-\\-version\n.SH DESCRIPTION\n",
            PACKAGE_VERSION);
    roff(man_summary(), out);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; commands[i]; i++)
        print_command(commands[i], out);
    fputs(".SH EXIT STATUS\n", out);
    for (int code = 0; code < SAY_EXIT_COUNT; code++)
        fprintf(out, ".TP\n.B %d\n%s\n", code, say_exit_help((enum say_exit)code));
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B SPARROW_MODELS\nfolders in which models are looked up by name, with colons "
          "between\n"
          ".TP\n.B SPARROW_CPU\nwhich kernels may run when \\-\\-cpu is not given\n"
          ".TP\n.B NO_COLOR\nif set and not empty, no colour on the terminal\n"
          ".SH FILES\n.TP\n.I " PKGDATADIR "/models/*.sparrow\nthe installed models\n"
          ".SH SEE ALSO\n.BR sparrowd (8)\n",
          out);
}
